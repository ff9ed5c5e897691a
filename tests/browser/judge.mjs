// What the verifier answers to cases: `[code, value]` each, as verdicts.py has it from the core.
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const list = (texts) => texts.map(bytes);
const known = (value) => (value === null ? undefined : value);
const truth = async (claim) => ({ ok: true, code: 'ok', value: (await claim) ? 'True' : 'False' });

const transaction = (found) =>
  [found.transaction, found.digest, ...found.signers, ...found.readers, ...found.openChecks.map((check) => check.kid)].join(' ');
const hex = (raw) => Array.from(raw, (byte) => byte.toString(16).padStart(2, '0')).join('');
const checkpoint = ({ origin, size, root }) => `${origin} ${size} ${hex(root)}`;
const key = ({ name, key: raw }) => `${name} ${hex(raw)}`;

const checks = (verify) => ({
  document: [({ data }) => verify.verifyDocument(bytes(data)), () => 'False'],
  base64url: [({ text }) => verify.verifyBase64url(text), hex],
  inclusion: [
    ({ index, size, leaf, root, proof }) =>
      truth(verify.includes({ index, size, leaf: bytes(leaf), root: bytes(root), proof: list(proof) })),
    String,
  ],
  consistency: [
    (claim) =>
      truth(
        verify.consistent({
          oldSize: claim.old,
          newSize: claim.new,
          oldRoot: bytes(claim.old_root),
          newRoot: bytes(claim.new_root),
          proof: list(claim.proof),
        }),
      ),
    String,
  ],
  log_key: [({ text }) => verify.verifyLogKey(text), key],
  witness_key: [({ text }) => verify.verifyWitnessKey(text), key],
  checkpoint: [({ note, key: text }) => verify.verifySignedCheckpoint(note, text), checkpoint],
  final: [
    ({ note, witnesses, quorum }) => verify.verifyFinal(note, { witnesses, quorum }),
    (found) => found.map((one) => `${one.name} ${one.timeSeconds}`).join(' '),
  ],
  transaction: [({ envelope, keys }) => verify.verifyTransaction(bytes(envelope), keys), transaction],
  consistency_document: [
    ({ document, key: text }) => verify.verifyConsistency(bytes(document), text),
    ({ older, newer }) => `${checkpoint(older)} ${checkpoint(newer)}`,
  ],
  held: [
    ({ shown, held, key: checkpointKey, proof }) =>
      verify.verifyAgainstHeld(shown, { held, checkpointKey, proof: proof === null ? undefined : bytes(proof) }),
    checkpoint,
  ],
  receipt: [
    (given) =>
      verify.verifyReceipt(bytes(given.data), {
        checkpointKey: known(given.key),
        policy: known(given.policy),
        held: known(given.held),
        consistency: given.consistency === null ? undefined : bytes(given.consistency),
      }),
    ({ transaction: found }) => transaction(found),
  ],
});

async function verdict([kind, given], table) {
  const [check, read] = table[kind];
  try {
    const answer = await check(given);
    return answer.ok ? ['ok', read(answer.value)] : [answer.code, ''];
  } catch (error) {
    return [`thrown: ${error?.stack ?? error}`, ''];
  }
}

/** All verdicts, and the milliseconds they took. `verify` is the module's index. */
export async function judge(cases, verify) {
  const table = checks(verify);
  const started = performance.now();
  const verdicts = [];
  for (let at = 0; at < cases.length; at += 64) {
    verdicts.push(...(await Promise.all(cases.slice(at, at + 64).map((one) => verdict(one, table)))));
  }
  return { verdicts, milliseconds: performance.now() - started };
}
