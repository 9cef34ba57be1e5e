-- The demo's ways to pay: the built-in test provider, and a transfer to an account that is made up.
-- What is there stays.
-- in: sealed bytea!, hint text!
-- out: _made bigint!
WITH made AS (
  INSERT INTO gateway_setting (community_id, provider, shown, sealed, hint) VALUES
    ($1, 'test', '{}', $2, $3),
    ($1, 'hand', jsonb_build_object('account', jsonb_build_object(
      'zh-CN', E'户名：开友大讲堂（演示）\n开户行：示例银行\n账号：0000 0000 0000 0000\n请在附言中填写订单号。',
      'en', E'Kaiyou Lectures (a demonstration)\nExample Bank, account 0000 0000 0000 0000\n'
        || 'Name your order in the reference.')), NULL, NULL)
  ON CONFLICT (community_id, provider) DO NOTHING
  RETURNING provider
)
SELECT count(*) FROM made
