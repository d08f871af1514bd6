// What a participant of a conversation does, apart from who performs it: deliberation.js under k6, run.mjs
// under node. Pure: chance comes from the caller.

// [seconds, participants at their end]: how the replaced system was tried. It hung at 28.
export const STAGES = [[120, 50], [300, 200], [600, 200], [180, 0]];
export const SEEDS = 50;

const CHOICES = ['agree', 'agree', 'agree', 'disagree', 'disagree', 'pass'];

function fact(type, id, data) {
  return { specversion: '1.0', source: '/load', type, id, data };
}

export function opening(conversation) {
  const seeds = [];
  for (let i = 0; i < SEEDS; ++i) seeds.push({ opinion_id: `seed-${i}`, body: `What we begin with, number ${i}` });
  return fact('conversation.created', `${conversation}-created`, {
    conversation_id: conversation, owner_id: 'owner', title: 'Under load', indexed: true, seeds,
  });
}

// One to three opinions, then ten to twenty votes on opinions that the participant has not seen, half a
// second to two between them. Yields { post: event }, { sleep: seconds } and { unseen: n }; the last is
// answered by up to n ids of opinions. `random`: uniform in [0, 1).
export function* visit(conversation, participant, random) {
  const from_to = (low, high) => low + Math.floor(random() * (high - low + 1));
  const sleep = () => ({ sleep: 0.5 + 1.5 * random() });
  const opinions = from_to(1, 3);
  for (let i = 0; i < opinions; ++i) {
    const opinion = `${participant}-${i}`;
    yield { post: fact('opinion.created', opinion, {
      conversation_id: conversation, opinion_id: opinion, author_id: participant,
      body: `What ${participant} thinks, in ${from_to(1, 1000)} of a thousand words`,
    }) };
    yield sleep();
  }
  for (const opinion of yield { unseen: from_to(10, 20) }) {
    yield { post: fact('vote.set', `${participant} on ${opinion}`, {
      conversation_id: conversation, opinion_id: opinion, participant_id: participant,
      choice: CHOICES[from_to(0, CHOICES.length - 1)],
    }) };
    yield sleep();
  }
}
