-- A view cannot be given other collations where it stands.
DO $$ BEGIN
  IF EXISTS (SELECT FROM pg_attribute
             WHERE attrelid = to_regclass('deliberation.vote') AND attname = 'opinion_id'
               AND attcollation <> 'pg_catalog."C"'::regcollation) THEN
    DROP VIEW deliberation.vote;
  END IF;
END $$;

-- One row a vote, for readers who want to join. Reading it costs what the ballots read cost: narrow
-- by conversation_id, which is the ballots' leading key.
CREATE OR REPLACE VIEW deliberation.vote AS
SELECT ballot.conversation_id,
       ballot.participant_id,
       vote.key COLLATE "C" AS opinion_id,
       vote.value COLLATE "C" AS choice
FROM deliberation.ballot AS ballot,
     LATERAL jsonb_each_text(ballot.votes) AS vote(key, value);
COMMENT ON VIEW deliberation.vote IS
  'Live votes, one row each: the ballots unnested. Narrow it by conversation_id; who voted on one opinion is faster told by deliberation.voters(). Key: conversation_id, participant_id, opinion_id.';
COMMENT ON COLUMN deliberation.vote.choice IS 'agree, disagree, pass.';

-- Reads the conversation's ballots by their key and unnests none: a look-up a ballot.
CREATE OR REPLACE FUNCTION deliberation.voters(conversation_id text, opinion_id text)
RETURNS TABLE (participant_id text, choice text)
LANGUAGE sql STABLE
AS $$
SELECT ballot.participant_id, ballot.votes ->> $2
FROM deliberation.ballot AS ballot
WHERE ballot.conversation_id = $1 AND ballot.votes ? $2
$$;
COMMENT ON FUNCTION deliberation.voters(text, text) IS
  'Who has a live vote on the opinion, and which.';

-- Opinions for a participant to vote on next: unseen, live and unmoderated, drawn without
-- replacement with the math's priority as weight, or 1 where there is none (Efraimidis and Spirakis
-- 2006: the n greatest of u^(1/weight), u even in (0, 1); here the n least of -ln(u)/weight). The
-- same for the same seed and rows. Takes time with the opinions of the conversation.
CREATE OR REPLACE FUNCTION deliberation.next_opinions(
    conversation_id text, participant_id text, n integer, seed bigint)
RETURNS SETOF deliberation.opinion
LANGUAGE sql STABLE
AS $$
WITH seen AS MATERIALIZED (
  SELECT vote.opinion_id
  FROM deliberation.vote
  WHERE vote.conversation_id = $1 AND vote.participant_id = $2
), weighed AS (
  SELECT opinion,
         greatest(coalesce(math.priority, 1), 1e-300) AS weight,
         -- 52 bits of the hash, in the middle of each of 2^52 parts of (0, 1).
         ((('x' || left(md5(concat_ws('/', $4, $2, opinion.opinion_id)), 13))::bit(52)::bigint
           + 0.5::float8) / 4503599627370496) AS u
  FROM deliberation.opinion
  LEFT JOIN deliberation.math_opinion AS math
    ON math.conversation_id = $1 AND math.opinion_id = opinion.opinion_id
  WHERE opinion.conversation_id = $1
    AND opinion.status = 'live'
    AND opinion.moderation = 'none'
    AND opinion.opinion_id NOT IN (SELECT seen.opinion_id FROM seen)
)
SELECT (opinion).*
FROM weighed
-- A weight of next to nothing must not overflow the quotient.
ORDER BY ln(-ln(u)) - ln(weight), (opinion).opinion_id
LIMIT $3
$$;
COMMENT ON FUNCTION deliberation.next_opinions(text, text, integer, bigint) IS
  'Up to n opinions that the participant may vote on next, drawn by the math''s priority.';

-- Feeds. Three orders, each walked by pages: a row's next_cursor continues behind it. A cursor keeps
-- the `now` with which its walk began. A conversation that is in the feed throughout a walk and does
-- not change is met exactly once, whatever others do; in the order of creation, which nothing
-- changes, also one that changes. One whose score changes meanwhile may be met twice or not at all.

CREATE OR REPLACE FUNCTION deliberation.feed_cursor(VARIADIC parts jsonb[])
RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
SELECT translate(encode(convert_to(to_jsonb($1)::text, 'UTF8'), 'base64'), E'+/\n', '-_')
$$;
COMMENT ON FUNCTION deliberation.feed_cursor(jsonb[]) IS 'Opaque to readers.';

-- The parts of a cursor of this order; null: the first page.
CREATE OR REPLACE FUNCTION deliberation.feed_cursor_parts("order" text, cursor text)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
  parts jsonb;
BEGIN
  IF coalesce(cursor, '') = '' THEN
    RETURN NULL;
  END IF;
  BEGIN
    parts := convert_from(decode(translate(cursor, '-_', '+/'), 'base64'), 'UTF8')::jsonb;
  EXCEPTION WHEN data_exception THEN
    parts := NULL;
  END;
  IF parts ->> 0 IS DISTINCT FROM "order" THEN
    RAISE invalid_parameter_value USING MESSAGE = 'this is no cursor of feed_' || "order" || '()';
  END IF;
  RETURN parts;
END
$$;
COMMENT ON FUNCTION deliberation.feed_cursor_parts(text, text) IS 'Opaque to readers.';

CREATE OR REPLACE FUNCTION deliberation.feed_new("limit" integer DEFAULT 20,
                                                 cursor text DEFAULT NULL)
RETURNS TABLE (conversation_id text, slug text, title text, owner_id text, created_at timestamptz,
               last_reacted_at timestamptz, opinion_count bigint, vote_count bigint,
               participant_count bigint, next_cursor text)
LANGUAGE sql STABLE
AS $$
SELECT feed.conversation_id, feed.slug, feed.title, feed.owner_id, feed.created_at,
       feed.last_reacted_at, feed.opinion_count, feed.vote_count, feed.participant_count,
       deliberation.feed_cursor(to_jsonb('new'::text),
                                to_jsonb(extract(epoch FROM feed.created_at) * 1000),
                                to_jsonb(feed.conversation_id))
FROM deliberation.feed
WHERE (feed.created_at, feed.conversation_id) < (
    coalesce('epoch'::timestamptz + (deliberation.feed_cursor_parts('new', $2) ->> 1)::float8
                                    * interval '1 millisecond',
             'infinity'),
    coalesce(deliberation.feed_cursor_parts('new', $2) ->> 2, ''))
ORDER BY feed.created_at DESC, feed.conversation_id DESC
LIMIT $1
$$;
COMMENT ON FUNCTION deliberation.feed_new(integer, text) IS
  'Conversations, the latest created first.';

-- The part of engagement that no time changes: ln(e^(0.6 o) + e^(0.5 v) + e^(0.4 p)), written as the
-- index of feed has it, which therefore serves its order. exp() of less than -745 is an error, and
-- beside e^0 nothing.
CREATE OR REPLACE FUNCTION deliberation.activity(opinion_count bigint, vote_count bigint,
                                                 participant_count bigint)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
SELECT (greatest('0.6'::float8 * opinion_count, '0.5'::float8 * vote_count,
                 '0.4'::float8 * participant_count)
        + ln(exp(greatest('-700'::float8, '0.6'::float8 * opinion_count
                 - greatest('0.6'::float8 * opinion_count, '0.5'::float8 * vote_count,
                            '0.4'::float8 * participant_count)))
             + exp(greatest('-700'::float8, '0.5'::float8 * vote_count
                   - greatest('0.6'::float8 * opinion_count, '0.5'::float8 * vote_count,
                              '0.4'::float8 * participant_count)))
             + exp(greatest('-700'::float8, '0.4'::float8 * participant_count
                   - greatest('0.6'::float8 * opinion_count, '0.5'::float8 * vote_count,
                              '0.4'::float8 * participant_count)))))
$$;
COMMENT ON FUNCTION deliberation.activity(bigint, bigint, bigint) IS
  'What opinions, votes and participants make of engagement.';

CREATE OR REPLACE FUNCTION deliberation.days(since timestamptz, now timestamptz)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
SELECT extract(epoch FROM now - since)::double precision / 86400
$$;
COMMENT ON FUNCTION deliberation.days(timestamptz, timestamptz) IS 'Null: never.';

-- ln(e^activity + e^(-0.4 age) + e^(-0.3 reaction)). Without a reaction its term is 0.
CREATE OR REPLACE FUNCTION deliberation.engagement(
    activity double precision, created_at timestamptz, last_reacted_at timestamptz, now timestamptz)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
  age double precision := -0.4 * deliberation.days(created_at, now);
  reaction double precision := -0.3 * deliberation.days(last_reacted_at, now);
  most double precision := greatest(activity, age, reaction);
BEGIN
  -- greatest() passes over null, whose exponential then is nothing beside e^0.
  RETURN most + ln(exp(greatest(-700, activity - most)) + exp(greatest(-700, age - most))
                   + exp(greatest(-700, reaction - most)));
END
$$;
COMMENT ON FUNCTION
  deliberation.engagement(double precision, timestamptz, timestamptz, timestamptz) IS
  'engagement(feed, now) of a feed whose counters make this activity.';

CREATE OR REPLACE FUNCTION deliberation.engagement(feed deliberation.feed, now timestamptz)
RETURNS double precision
LANGUAGE sql IMMUTABLE
AS $$
SELECT deliberation.engagement(
    deliberation.activity(feed.opinion_count, feed.vote_count, feed.participant_count),
    feed.created_at, feed.last_reacted_at, now)
$$;
COMMENT ON FUNCTION deliberation.engagement(deliberation.feed, timestamptz) IS
  'The logarithm of exp(-0.4 age_days) + exp(-0.3 days_since_reaction) + exp(0.6 opinions) + exp(0.5 votes) + exp(0.4 participants).';

-- 0.4 * 0.5^(age / 7) + 0.3 * 0.5^(reaction / 3) + 0.5 * min(1, ln(1 + votes) / ln(100001)).
CREATE OR REPLACE FUNCTION deliberation.balance(
    vote_count double precision, created_at timestamptz, last_reacted_at timestamptz,
    now timestamptz)
RETURNS double precision
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
  -- Powers that overflow or underflow are errors; null is never, which is long ago.
  age double precision := greatest(-100, least(1000, deliberation.days(created_at, now) / 7));
  reaction double precision :=
      greatest(-100, least(1000, deliberation.days(last_reacted_at, now) / 3));
BEGIN
  RETURN 0.4 * power(0.5::float8, age) + 0.3 * power(0.5::float8, reaction)
         + 0.5 * least(1, ln(1 + vote_count) / ln(100001::float8));
END
$$;
COMMENT ON FUNCTION
  deliberation.balance(double precision, timestamptz, timestamptz, timestamptz) IS
  'By what feed_balanced() orders.';

-- A page of an order by a score that time decays, and which no index can therefore have. A score
-- grows with each of three things that have indexes: `measure`, created_at and last_reacted_at. So
-- no conversation behind the first k of all three lists has a higher score than one that stood at
-- the end of each (Fagin's threshold algorithm): when the page's rows all lie above that bound, the
-- page is right; else k grows. Reads some times the rows of the pages up to this one; all of them
-- only where about all have the same score. Scores count to nine places: rounding could otherwise
-- bring a row behind the bound above it.
CREATE OR REPLACE FUNCTION deliberation.feed_by_score(
    "order" text, now timestamptz, "limit" integer, cursor text)
RETURNS TABLE (conversation_id text, slug text, title text, owner_id text, created_at timestamptz,
               last_reacted_at timestamptz, opinion_count bigint, vote_count bigint,
               participant_count bigint, next_cursor text)
LANGUAGE plpgsql STABLE
SET extra_float_digits = 1
AS $$
DECLARE
  after jsonb := deliberation.feed_cursor_parts("order", cursor);
  began timestamptz := coalesce(
      'epoch'::timestamptz + (after ->> 1)::float8 * interval '1 microsecond', now);
  measure text := CASE "order"
      WHEN 'engagement' THEN 'deliberation.activity(f.opinion_count, f.vote_count, f.participant_count)'
      WHEN 'balanced' THEN 'f.vote_count' END;
  score text := CASE "order"
      WHEN 'engagement' THEN 'deliberation.engagement'
      WHEN 'balanced' THEN 'deliberation.balance' END;
  k bigint := 4 * greatest("limit", 5);
  page deliberation.feed[];
  proven boolean;
BEGIN
  LOOP
    EXECUTE format($query$
WITH measured AS (
  SELECT f, (%1$s)::float8 AS measure FROM deliberation.feed f
  ORDER BY %1$s DESC, f.conversation_id DESC LIMIT $3
), newest AS (
  SELECT f FROM deliberation.feed f
  ORDER BY f.created_at DESC, f.conversation_id DESC LIMIT $3
), reacted AS (
  SELECT f FROM deliberation.feed f WHERE f.last_reacted_at IS NOT NULL
  ORDER BY f.last_reacted_at DESC NULLS LAST, f.conversation_id DESC LIMIT $3
), behind AS (
  SELECT count(*) < $3 AS nothing,
         min(measure) AS measure,
         (SELECT min((f).created_at) FROM newest) AS created_at,
         (SELECT CASE WHEN count(*) = $3 THEN min((f).last_reacted_at) END FROM reacted)
             AS last_reacted_at,
         (SELECT (f).conversation_id FROM measured
          ORDER BY measure, (f).conversation_id LIMIT 1) AS conversation_id
  FROM measured
), bound AS (
  SELECT *, floor(1e9::float8 * (%2$s(measure, created_at, last_reacted_at, $1)
                                 * (1 + 1e-15::float8) + 1e-12::float8)) AS score
  FROM behind
), candidates AS (
  SELECT f FROM measured UNION SELECT f FROM newest UNION SELECT f FROM reacted
), page AS (
  SELECT c.f, s.score, m.measure
  FROM candidates c,
       LATERAL (SELECT (%3$s)::float8 AS measure FROM (SELECT (c.f).*) f) m,
       LATERAL (SELECT floor(1e9::float8 * %2$s(m.measure, (c.f).created_at,
                                                (c.f).last_reacted_at, $1)) AS score) s
  WHERE (s.score, m.measure, (c.f).conversation_id) < ($4, $5, $6)
  ORDER BY s.score DESC, m.measure DESC, (c.f).conversation_id DESC
  LIMIT $2
)
SELECT (SELECT array_agg(f ORDER BY score DESC, measure DESC, (f).conversation_id DESC) FROM page),
       nothing OR (SELECT count(*) = $2 AND bool_and(
           (page.score, page.measure, (page.f).conversation_id)
           > (bound.score, bound.measure, bound.conversation_id)) FROM page)
FROM bound
$query$, measure, score, measure)
    INTO page, proven
    USING began, "limit", k, coalesce((after ->> 2)::float8, 'infinity'),
          coalesce((after ->> 3)::float8, 'infinity'), coalesce(after ->> 4, '');
    EXIT WHEN proven;
    k := 4 * k;
  END LOOP;
  RETURN QUERY EXECUTE format($query$
SELECT f.*, deliberation.feed_cursor(
    to_jsonb($3), to_jsonb(extract(epoch FROM $1) * 1000000),
    to_jsonb(floor(1e9::float8 * %2$s(%1$s, f.created_at, f.last_reacted_at, $1))),
    to_jsonb((%1$s)::float8), to_jsonb(f.conversation_id))
FROM unnest($2) AS f
$query$, measure, score)
  USING began, page, "order";
END
$$;
COMMENT ON FUNCTION deliberation.feed_by_score(text, timestamptz, integer, text) IS
  'What feed_engagement() and feed_balanced() have in common.';

CREATE OR REPLACE FUNCTION deliberation.feed_engagement(
    now timestamptz DEFAULT now(), "limit" integer DEFAULT 20, cursor text DEFAULT NULL)
RETURNS TABLE (conversation_id text, slug text, title text, owner_id text, created_at timestamptz,
               last_reacted_at timestamptz, opinion_count bigint, vote_count bigint,
               participant_count bigint, next_cursor text)
LANGUAGE sql STABLE
AS $$
SELECT * FROM deliberation.feed_by_score('engagement', $1, $2, $3)
$$;
COMMENT ON FUNCTION deliberation.feed_engagement(timestamptz, integer, text) IS
  'Conversations, the highest engagement(feed, now) first.';

CREATE OR REPLACE FUNCTION deliberation.feed_balanced(
    now timestamptz DEFAULT now(), "limit" integer DEFAULT 20, cursor text DEFAULT NULL)
RETURNS TABLE (conversation_id text, slug text, title text, owner_id text, created_at timestamptz,
               last_reacted_at timestamptz, opinion_count bigint, vote_count bigint,
               participant_count bigint, next_cursor text)
LANGUAGE sql STABLE
AS $$
SELECT * FROM deliberation.feed_by_score('balanced', $1, $2, $3)
$$;
COMMENT ON FUNCTION deliberation.feed_balanced(timestamptz, integer, text) IS
  'Conversations, new, lately reacted to and much voted on ones first.';
