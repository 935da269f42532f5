// Whether the figures that this page shows are those of the verdict it carries.
//
// What belongs here: reading figures off the page and holding them against the verdict. What does not: how they are written
// (tasks/reporting/figures.py): a number agrees if the verdict's, rounded to as many digits, is the one that is shown.

const shown = (() => {
  const STATUSES = { pass: "pass", fail: "fail", inconclusive: "inconclusive", not_judged: "not judged" };
  const DECISIONS = { promote: "Promote", reject: "Reject", inconclusive: "Inconclusive", not_judged: "Not judged" };
  const NONE = "\u2013";

  const numbersIn = (text) => text.replaceAll("\u2212", "-").replaceAll(",", "").match(/[-+]?\d+(\.\d+)?/g) || [];

  function isRounded(text, value) {
    if (value === null || value === undefined || !Number.isFinite(value)) return false;
    const digits = (text.split(".")[1] || "").length;
    return Math.abs(Number(text) - value) <= 0.5 * 10 ** -digits * (1 + 1e-6) + 1e-12;
  }

  function agree(text, values) {
    const wanted = values.filter((value) => value !== null && value !== undefined);
    if (text.trim() === NONE || !wanted.length) return text.trim() === NONE && !wanted.length;
    const numbers = numbersIn(text);
    return numbers.length === wanted.length && numbers.every((number, place) => isRounded(number, wanted[place]));
  }

  function edgeOf(outcome) {
    const edge = outcome.margin !== null ? -outcome.margin : outcome.better_by;
    return edge === null ? null : outcome.direction === "lower_is_better" ? -edge : edge;
  }

  // The verdict's reason as a headline: without the decision that it begins with, what was noted of it at the end.
  function headlinesOf(verdict) {
    const reason = verdict.reason.split(/\s+/).filter(Boolean).join(" ");
    const found = /^[A-Z ]+?(?: \(([^()]*)\))?: *(.+)$/.exec(reason);
    return found ? [found[2], `${found[2]} (${found[1]})`, reason] : [reason];
  }

  const EXPECTED = {
    champion: (outcome) => [outcome.champion],
    challenger: (outcome) => [outcome.challenger],
    delta: (outcome) => [outcome.delta],
    interval: (outcome) => (outcome.interval ? [outcome.interval.low, outcome.interval.high] : []),
    challenger_interval: (outcome) => (outcome.challenger_interval ? [outcome.challenger_interval.low, outcome.challenger_interval.high] : []),
    n: (outcome) => [outcome.n],
    level_interval: (outcome) => EXPECTED[criteria.isCompared(outcome) || !outcome.interval ? "challenger_interval" : "interval"](outcome),
    edge: (outcome) => [edgeOf(outcome)],
    bound: (outcome) => [outcome.bound],
    limit: (outcome) => [outcome.bound, edgeOf(outcome), outcome.relative_margin === null ? null : 100 * outcome.relative_margin],
  };

  // Whether one element agrees. `what`: "decision", or "<place of the outcome>.<field>".
  function holds(element, what, verdict) {
    const text = element.textContent.trim();
    if (what === "decision") return text.replace(/:$/, "").trim() === DECISIONS[verdict.decision] + (verdict.rubber_stamp ? " (rubber stamp)" : "");
    if (what === "headline") return headlinesOf(verdict).includes(text);
    const [place, field] = what.split(".");
    const outcome = verdict.criteria[Number(place)];
    if (!outcome) return false;
    if (field === "status") return text.startsWith(STATUSES[outcome.status]);
    if (field === "reason") return text === outcome.reason.trim();
    if (field === "limit" && outcome.metric === null) return text === "passed";
    return agree(text, EXPECTED[field](outcome));
  }

  // All elements that carry data-figure: how many there are, and those that disagree.
  function compare(root, verdict) {
    const elements = [...root.querySelectorAll("[data-figure]")];
    const differing = elements.filter((element) => !holds(element, element.dataset.figure, verdict));
    return { count: elements.length, differing };
  }

  return { compare };
})();
