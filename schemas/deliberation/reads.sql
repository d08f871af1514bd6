-- One row a vote, for readers who want to join. Reading it costs what the ballots read cost: narrow
-- by conversation_id, which is the ballots' leading key.
CREATE OR REPLACE VIEW deliberation.vote AS
SELECT ballot.conversation_id,
       ballot.participant_id,
       vote.key AS opinion_id,
       vote.value AS choice
FROM deliberation.ballot AS ballot,
     LATERAL jsonb_each_text(ballot.votes) AS vote(key, value);
COMMENT ON VIEW deliberation.vote IS 'Live votes, one row each: the ballots unnested.';
