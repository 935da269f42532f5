// Whether a gate would act upon the verdict in this page now: its age by this browser's clock, and who stands behind it.
//
// What belongs here: the rules of tasks/gates/receipt.py on times, asked of the receipt in the signed statement, and what of a verdict
// keeps it from being acted upon however right its figures are. What does not: whether the signature holds (signature). Whatever is not
// known is told, and never taken for the better.

const standing = (() => {
  // How far two machines' clocks may differ, as _CLOCK_SKEW of tasks/gates/receipt.py.
  const CLOCK_SKEW = 5 * 60 * 1000;
  const DAY = 24 * 60 * 60 * 1000;
  // RFC 3339 with a zone: a time without one is none, as for a gate.
  const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

  const momentOf = (text) => (TIME.test(text) ? Date.parse(text) : NaN);
  const shortly = (moment) => `${new Date(moment).toISOString().slice(0, 16).replace("T", " ")} UTC`;

  function span(milliseconds) {
    const [count, unit] = milliseconds >= 2 * DAY ? [milliseconds / DAY, "days"] : milliseconds >= 7_200_000 ? [milliseconds / 3_600_000, "hours"] : [milliseconds / 60_000, "minutes"];
    return `${Math.floor(count).toLocaleString("en")} ${unit}`;
  }

  // `tone`: "bad" where a gate refuses what it else would take, "open" where nobody stands behind it yet, "none" for what is only told.
  const refused = (title, text, next = null) => ({ tone: "bad", title, text, next });
  const open = (title, text) => ({ tone: "open", title, text, next: null });
  // What the line above says in two words already, so that the first screen stays one.
  const said = (title, text) => ({ ...open(title, text), isSaid: true });
  const told = (title, text) => ({ tone: "none", title, text, next: null });

  // What the receipt's times say at `now` (milliseconds): {notes, until}, where `until` is when it will expire, if it will.
  function ageOf(receipt, verdict, hash, now) {
    if (!receipt) return { notes: [refused("No receipt", "The signed statement holds no receipt, so that the verdict's age is not known: a gate refuses it.")] };
    if (receipt.verdict_hash !== hash || receipt.decision !== verdict.decision) {
      return { notes: [refused("Another receipt", "The signed receipt is of another verdict, or of another decision: a gate refuses it.")] };
    }
    const [created, expires] = [momentOf(receipt.created_utc), momentOf(receipt.expires_utc)];
    if (Number.isNaN(created) || Number.isNaN(expires)) return { notes: [refused("No age", "The signed receipt's times cannot be read: a gate refuses it.")] };
    if (now >= expires) {
      const ago = `${span(now - expires)} ago by this browser's clock`;
      const next = { text: "Judge newer data: this verdict expired.", command: "windtunnel data refresh" };
      return { notes: [refused("Expired", `This verdict expired on ${shortly(expires)}, ${ago}: a gate refuses it.`, next)] };
    }
    if (now < created - CLOCK_SKEW) {
      const ahead = `${span(created - now)} ahead of this browser's clock (${shortly(now)})`;
      const text = `This verdict says that it was judged on ${shortly(created)}, ${ahead}. One of the two clocks is wrong, and a gate refuses it.`;
      return { notes: [refused("From the future", text)] };
    }
    return { notes: [told("Fresh", `By this browser's clock it holds for ${span(expires - now)} more, until ${shortly(expires)}.`)], until: expires };
  }

  // What the look in the signed receipt makes of the decision: the rule of Verdict.standing in tasks/records.
  function lookOf(receipt, verdict) {
    const look = receipt && receipt.look;
    if (!look || !(look.number > 1)) return [];
    const order = ["reject", "not_judged", "inconclusive", "promote"];
    const later = verdict.later_looks ? verdict.later_looks.decision : "inconclusive";
    if (order.indexOf(later) >= order.indexOf(verdict.decision)) return [];
    const text = `Its candidate was number ${look.number} of ${look.budget} on this holdout: what stands is ${later.replace("_", " ")}, not ${verdict.decision.replace("_", " ")}.`;
    return [refused("A later look", text, { text: "Judge rows that no candidate was measured on.", command: "windtunnel data refresh" })];
  }

  // Everything that a reader has to know before acting: {notes: [{tone, title, text, next, isSaid}], until}. `sealed` as signature.check
  // returns it, `hash` the SHA-256 of verdict.json in hexadecimal.
  function check(sealed, verdict, hash, now) {
    const notes = [];
    let until;
    if (sealed.state === "valid") {
      const age = ageOf(sealed.receipt, verdict, hash, now);
      notes.push(...age.notes, ...lookOf(sealed.receipt, verdict));
      until = age.until;
      if (!sealed.principal) notes.push(open("Nobody's key", "When this page was published, the signing key was of nobody whom the project names: nobody stands behind this verdict."));
    } else if (sealed.state === "absent") {
      notes.push(said("Not signed", "Nobody's signature is in this page, so that it cannot tell until when its verdict holds: nothing is promoted by it."));
    } else {
      notes.push(open("No signature to rely on", "Without a signature that was checked, this page cannot tell until when its verdict holds."));
    }
    if (verdict.rehearsal) notes.push(open("Rehearsal", "Nobody has signed masking policy and criteria as they are: nothing is promoted by this verdict."));
    if (verdict.decision === "promote") {
      notes.push(told("Approval", "Whether somebody else approved promoting it is in the project's event log (windtunnel log), not in this page."));
    }
    return { notes, until };
  }

  return { check };
})();
