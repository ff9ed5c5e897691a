/** What was checked, what was not, and what failed, in plain words; Polish and English. */

/** @typedef {'pl' | 'en'} Language */
/** @typedef {import('./receipts.js').Step} Step */
/** @typedef {{[name: string]: string}} Table */

/** @type {{[language in Language]: Table}} */
const CHECKED = {
  en: {
    signatures: 'The {operation} of account {account} is signed, unchanged, by the key {signers}.',
    checkpoint: 'The operator signed the state of the log of {network} with {size} entries.',
    log: 'The transaction is entry {index} of that log: {outcome}, at {time}.',
    reading: 'The readings of {point} on {day}, {energy} in all, are signed by the key {reader}.',
    readings: '{count} days of readings of {points}, from {first} to {last}, are signed by the key {readers}.',
    interval: '{point}, from {start}: {energy}, {quality}. This interval is part of that day.',
    document: 'This {kind} is, to the letter, the one whose fingerprint is on the ledger.',
    witnesses: '{count} witnesses ({names}) were shown the same log; {quorum} were wanted.',
    continuity: 'The log of {size} entries and the one this device saw before are the same log.',
  },
  pl: {
    signatures: '{operation}, konto {account}: podpis kluczem {signers} jest ważny, treści nie zmieniono.',
    checkpoint: 'Operator podpisał stan dziennika sieci {network} liczącego {size} wpisów.',
    log: 'Transakcja jest wpisem {index} tego dziennika: {outcome}, {time}.',
    reading: 'Odczyty punktu {point} z dnia {day}, razem {energy}, są podpisane kluczem {reader}.',
    readings: 'Dobowe odczyty punktu {points} (razem {count}, od {first} do {last}) są podpisane kluczem {readers}.',
    interval: '{point}, od {start}: {energy}, {quality}. Ten przedział należy do tego dnia.',
    document: 'To co do litery ten dokument ({kind}), którego odcisk jest w księdze.',
    witnesses: 'Ten sam dziennik pokazano świadkom w liczbie {count} ({names}); wymagano {quorum}.',
    continuity: 'Dziennik liczący {size} wpisów i ten, który urządzenie widziało wcześniej, to jeden dziennik.',
  },
};

/** @type {{[language in Language]: Table}} */
const UNCHECKED = {
  en: {
    holder: 'Not checked here: who holds the keys. The receipt of the registration of a key says which account has it.',
    meter: 'Not checked here: whether the meter measured rightly. The signature shows that nobody changed its reading.',
    document: 'Not checked here: the {kind} itself. The receipt holds only its fingerprint.',
    checkpoint_key: "Not checked here: the operator's key. It came with the receipt; compare it with the published one.",
    witnesses: 'Not checked here: whether others were shown the same log. No witnesses were named.',
    continuity: 'Not checked here: whether the log continues what this device saw before. It kept nothing to compare with.',
  },
  pl: {
    holder: 'Nie sprawdzono tu, kto ma klucze. O tym, do którego konta należy klucz, mówi pokwitowanie jego rejestracji.',
    meter: 'Nie sprawdzono tu, czy licznik zmierzył dobrze. Podpis pokazuje, że nikt nie zmienił odczytu.',
    document: 'Nie sprawdzono tu samego dokumentu ({kind}). Pokwitowanie zawiera tylko jego odcisk.',
    checkpoint_key: 'Nie sprawdzono tu klucza operatora. Przyszedł z pokwitowaniem; porównaj go z ogłoszonym.',
    witnesses: 'Nie sprawdzono tu, czy inni widzieli ten sam dziennik. Nie wskazano świadków.',
    continuity: 'Nie sprawdzono tu, czy dziennik jest dalszym ciągiem znanego temu urządzeniu. Nie miało z czym porównać.',
  },
};

/** @type {{[language in Language]: Table}} */
const REFUSED = {
  en: {
    'ledger.malformed': 'The file is damaged or is no receipt: it cannot be read.',
    'ledger.schema': 'The file is no receipt of a kind known here, or something is missing in it or added to it.',
    'ledger.not_canonical': 'The file was rewritten: it is not in the one spelling in which it was made.',
    'ledger.too_large': 'The transaction is larger than the ledger takes.',
    'ledger.base64url': 'A part of the file is damaged: it is not in its one spelling.',
    'ledger.algorithm': 'A signature names a method that the ledger does not take.',
    'ledger.signature': 'A signature is wrong: the content was changed, or somebody else signed.',
    'ledger.high_s': 'A signature was altered into its second form, which anybody can compute.',
    'ledger.duplicate_signer': 'One key signed twice, as if there were two signers.',
    'ledger.public_key': 'A public key is not a key at all.',
    'ledger.bad_receipt': 'The parts of the receipt do not belong together: it proves nothing.',
    'ledger.checkpoint_form': "The operator's checkpoint, or the key for it, is not in the form it must have.",
    'ledger.checkpoint_signature': 'The operator did not sign this state of the log.',
    'ledger.checkpoint_inconsistent': 'The operator showed two logs that contradict each other: the past was changed. Keep both checkpoints.',
    'ledger.log_shorter_than_checkpoint': 'A newer state of the log has fewer entries than an older one: something was removed.',
    'ledger.consistency_missing': 'Nothing shows that this log continues the one seen before. Ask the operator for the proof.',
    'witness.not_a_key': 'The key of a witness is not in the form it must have.',
    'witness.policy': 'The list of witnesses is wrong: one stands twice, or more are wanted than there are.',
    'witness.bad_cosignature': "A witness's signature is forged or belongs to another state of the log.",
    'witness.not_final': 'Too few witnesses signed this state of the log: it is not final.',
  },
  pl: {
    'ledger.malformed': 'Plik jest uszkodzony albo nie jest pokwitowaniem: nie da się go odczytać.',
    'ledger.schema': 'To nie jest pokwitowanie znanego tu rodzaju albo czegoś w nim brakuje lub coś do niego dodano.',
    'ledger.not_canonical': 'Plik przepisano: nie ma tego jedynego zapisu, w którym powstał.',
    'ledger.too_large': 'Transakcja jest większa, niż przyjmuje księga.',
    'ledger.base64url': 'Część pliku jest uszkodzona: nie ma swojego jedynego zapisu.',
    'ledger.algorithm': 'Podpis podaje metodę, której księga nie przyjmuje.',
    'ledger.signature': 'Podpis jest nieprawidłowy: zmieniono treść albo podpisał kto inny.',
    'ledger.high_s': 'Podpis przerobiono na drugą postać, którą każdy może obliczyć.',
    'ledger.duplicate_signer': 'Jeden klucz podpisał dwa razy, jakby podpisały dwie osoby.',
    'ledger.public_key': 'Klucz publiczny w ogóle nie jest kluczem.',
    'ledger.bad_receipt': 'Części pokwitowania do siebie nie pasują: niczego ono nie dowodzi.',
    'ledger.checkpoint_form': 'Poświadczenie operatora lub klucz do niego nie ma wymaganej postaci.',
    'ledger.checkpoint_signature': 'Operator nie podpisał tego stanu dziennika.',
    'ledger.checkpoint_inconsistent': 'Operator pokazał dwa sprzeczne dzienniki: zmieniono przeszłość. Zachowaj oba poświadczenia.',
    'ledger.log_shorter_than_checkpoint': 'Nowszy stan dziennika ma mniej wpisów niż starszy: coś usunięto.',
    'ledger.consistency_missing': 'Nic nie pokazuje, że ten dziennik jest dalszym ciągiem znanego wcześniej. Poproś operatora o dowód.',
    'witness.not_a_key': 'Klucz świadka nie ma wymaganej postaci.',
    'witness.policy': 'Lista świadków jest błędna: ktoś jest na niej dwa razy albo wymaga się więcej, niż ich jest.',
    'witness.bad_cosignature': 'Podpis świadka jest sfałszowany albo dotyczy innego stanu dziennika.',
    'witness.not_final': 'Za mało świadków podpisało ten stan dziennika: nie jest ostateczny.',
  },
};

/** @type {{[language in Language]: Table}} */
const WORDS = {
  en: {
    accepted: 'accepted',
    allocation: 'allocation',
    invoice: 'invoice',
    rate_book: 'rate book',
    statement: 'statement',
    measured: 'measured',
    'measured-corrected': 'measured, corrected',
    'estimated-by-operator': 'estimated by the operator',
    'substituted-by-us': 'substituted',
    manual: 'read by hand',
    missing: 'missing',
    anchor: 'commitment',
    bind_role: 'binding of a role',
    define_asset: 'definition of an asset',
    genesis: 'foundation',
    mint_days: 'set of days of readings',
    mint_metering: 'day of readings',
    post: 'transfer',
    register_account: 'registration of an account',
    register_key: 'registration of a key',
    revoke_key: 'revocation of a key',
    unbind_role: 'end of a role',
    approve: 'approval of a proposal',
    define_role: 'definition of a role',
    finish_recovery: 'end of a recovery',
    lend_right: 'loan of a right',
    propose: 'proposal',
    reclaim_right: 'end of the loan of a right',
    set_frozen: 'freezing or release of an account',
    set_key_limits: 'setting of limits of a key',
    set_policy: 'setting of a quorum',
    set_validator: 'setting of the voting power of a validator',
    start_recovery: 'start of a recovery',
    stop_recovery: 'stop of a recovery',
    veto: 'veto of a proposal',
    batch: 'batch of operations',
    define_rule: 'definition of a rule of rewards',
    dispute: 'dispute of a hold',
    hold: 'hold',
    lapse: 'return of expired units',
    pay: 'payment',
    resolve_dispute: 'decision of a dispute',
    revert: 'reversal of a transfer',
    reward: 'reward',
    set_asset_policy: 'setting of the limits of an asset',
    settle: 'settlement of a hold',
    switch_payments: 'switching of payments',
    void: 'release of a hold',
    identity: 'record of an identity check',
    purchase: 'step of a group purchase',
    propose_contract: 'proposal of a contract',
    sign_contract: 'signature of a contract',
    withdraw_contract: 'withdrawal from a contract',
    terminate_contract: 'termination of a contract',
    close_contract_period: 'closing of a month of a contract',
  },
  pl: {
    accepted: 'przyjęta',
    allocation: 'podział energii',
    invoice: 'faktura',
    rate_book: 'cennik',
    statement: 'rozliczenie',
    measured: 'zmierzono',
    'measured-corrected': 'zmierzono, skorygowano',
    'estimated-by-operator': 'oszacowane przez operatora',
    'substituted-by-us': 'wartość zastępcza',
    manual: 'odczyt ręczny',
    missing: 'brak odczytu',
    anchor: 'Zobowiązanie kryptograficzne',
    bind_role: 'Nadanie roli',
    define_asset: 'Określenie aktywa',
    genesis: 'Założenie sieci',
    mint_days: 'Zestaw dobowych odczytów',
    mint_metering: 'Doba odczytów',
    post: 'Przelew',
    register_account: 'Rejestracja konta',
    register_key: 'Rejestracja klucza',
    revoke_key: 'Unieważnienie klucza',
    unbind_role: 'Odebranie roli',
    approve: 'Zgoda na wniosek',
    define_role: 'Określenie roli',
    finish_recovery: 'Zakończenie odzyskiwania konta',
    lend_right: 'Użyczenie uprawnienia',
    propose: 'Wniosek',
    reclaim_right: 'Cofnięcie użyczenia uprawnienia',
    set_frozen: 'Zamrożenie lub odmrożenie konta',
    set_key_limits: 'Ustalenie limitów klucza',
    set_policy: 'Ustalenie kworum',
    set_validator: 'Ustalenie siły głosu walidatora',
    start_recovery: 'Rozpoczęcie odzyskiwania konta',
    stop_recovery: 'Zatrzymanie odzyskiwania konta',
    veto: 'Sprzeciw wobec wniosku',
    batch: 'Zbiór operacji',
    define_rule: 'Ustalenie zasady nagród',
    dispute: 'Zakwestionowanie blokady środków',
    hold: 'Blokada środków',
    lapse: 'Zwrot jednostek po terminie',
    pay: 'Płatność',
    resolve_dispute: 'Rozstrzygnięcie sporu',
    revert: 'Odwrócenie przelewu',
    reward: 'Nagroda',
    set_asset_policy: 'Ustawienie limitów aktywa',
    settle: 'Rozliczenie blokady',
    switch_payments: 'Włączenie lub wyłączenie płatności',
    void: 'Zwolnienie blokady',
    identity: 'zapis sprawdzenia tożsamości',
    purchase: 'krok zakupu grupowego',
    propose_contract: 'Propozycja umowy',
    sign_contract: 'Podpis pod umową',
    withdraw_contract: 'Odstąpienie od umowy',
    terminate_contract: 'Wypowiedzenie umowy',
    close_contract_period: 'Zamknięcie miesiąca umowy',
  },
};

const WORDED = ['operation', 'kind', 'quality', 'outcome'];
const TIMES = ['time', 'start'];
const LOCALES = { en: 'en-GB', pl: 'pl-PL' };
const REFUSED_ON_LEDGER = { en: 'refused ({code})', pl: 'odrzucona ({code})' };

/** @param {number} wh @param {Language} language exact, by digits */
function energy(wh, language) {
  const digits = String(wh).padStart(4, '0');
  return `${digits.slice(0, -3)}${language === 'pl' ? ',' : '.'}${digits.slice(-3)} kWh`;
}

/** @param {number} seconds since 1970 @param {Language} language local time in Poland */
function time(seconds, language) {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  const form = /** @type {const} */ ({ dateStyle: 'medium', timeStyle: 'long', timeZone: 'Europe/Warsaw' });
  return new Intl.DateTimeFormat(LOCALES[language], form).format(date);
}

/** @param {string} name @param {string | number} value @param {Language} language */
function fact(name, value, language) {
  if (TIMES.includes(name)) return time(Number(value), language);
  if (!WORDED.includes(name)) return String(value);
  const word = WORDS[language][value];
  if (word === undefined && name === 'outcome') {
    return REFUSED_ON_LEDGER[language].replace('{code}', () => String(value));
  }
  return word ?? String(value);
}

/** @param {Table} table @param {Step} step @param {Language} language */
function sentence(table, { step, facts }, language) {
  const known = 'wh' in facts ? { ...facts, energy: energy(Number(facts.wh), language) } : facts;
  return table[step].replace(/\{(\w+)\}/g, (_, name) => fact(name, known[name], language));
}

/**
 * An answer of `verifyReceipt` in plain words.
 *
 * @param {import('./refusal.js').Answer<{checked: Step[], unchecked: Step[]}>} answer
 * @param {Language} language
 * @returns {{refused: string, checked: string[], unchecked: string[]}} `refused` is '' when everything holds
 */
export function explain(answer, language) {
  if (!answer.ok) {
    return { refused: REFUSED[language][answer.code] ?? answer.code, checked: [], unchecked: [] };
  }
  const { checked, unchecked } = answer.value;
  return {
    refused: '',
    checked: checked.map((step) => sentence(CHECKED[language], step, language)),
    unchecked: unchecked.map((step) => sentence(UNCHECKED[language], step, language)),
  };
}

/** Every code that a sentence exists for. */
export const CODES = Object.freeze(Object.keys(REFUSED.en));
