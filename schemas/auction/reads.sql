-- The place of a user's standing bid in its session, 1 for the best; null without one. Three ranges of
-- one index: ahead by score, by the earlier time at the same score, by the log at the same time. Takes
-- time with the bids ahead.
CREATE OR REPLACE FUNCTION auction.rank(session_id text, user_id text)
RETURNS bigint
LANGUAGE sql STABLE
AS $$
SELECT 1
       + (SELECT count(*)
          FROM auction.bid AS ahead
          WHERE ahead.session_id = own.session_id
            AND ahead.score > own.score)
       + (SELECT count(*)
          FROM auction.bid AS ahead
          WHERE ahead.session_id = own.session_id
            AND ahead.score = own.score
            AND ahead.placed_at < own.placed_at)
       + (SELECT count(*)
          FROM auction.bid AS ahead
          WHERE ahead.session_id = own.session_id
            AND ahead.score = own.score
            AND ahead.placed_at = own.placed_at
            AND ahead.position < own.position)
FROM auction.bid AS own
WHERE own.session_id = $1 AND own.user_id = $2
$$;
COMMENT ON FUNCTION auction.rank(text, text) IS
  'The place of the user''s standing bid, 1 for the best; null without one.';
