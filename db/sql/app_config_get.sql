-- What an app of this platform must know of a community before it signs in.
-- in: platform text!
-- out: min_version text!, latest_version text, store_url text
-- read
SELECT min_version, latest_version, store_url
FROM app_config
WHERE community_id = $1 AND platform = $2
