-- How a member wants to be told of what.
-- in: member uuid!
-- out: welcome text!, renewal text!, failed text!, ending text!, ended text!, gift_claimed text!
-- read
SELECT coalesce(max(way) FILTER (WHERE notice = 'welcome'), 'any'),
  coalesce(max(way) FILTER (WHERE notice = 'renewal'), 'any'),
  coalesce(max(way) FILTER (WHERE notice = 'failed'), 'any'),
  coalesce(max(way) FILTER (WHERE notice = 'ending'), 'any'),
  coalesce(max(way) FILTER (WHERE notice = 'ended'), 'any'),
  coalesce(max(way) FILTER (WHERE notice = 'gift_claimed'), 'any')
FROM notice_preference
WHERE community_id = $1 AND member_id = $2
