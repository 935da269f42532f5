// Statuses from figures, and the decision from statuses.
//
// What belongs here: the rules of tasks/gates (bounds, noise, comparisons, drift, discovered, decision), asked of outcomes as verdict.json has
// them. What does not: figures (remaking), and intervals (intervals).

const statuses = (() => {
  const WORST_FIRST = ["fail", "not_judged", "inconclusive", "pass"];
  const DECISIONS = { fail: "reject", not_judged: "not_judged", inconclusive: "inconclusive", pass: "promote" };

  const isCompared = (outcome) => outcome.margin !== null || outcome.better_by !== null;
  const isMetric = (outcome) => outcome.metric !== null && (outcome.bound !== null || isCompared(outcome));
  const isParity = (outcome) => outcome.metric !== null && outcome.metric.startsWith("parity[");
  const worstOf = (found) => WORST_FIRST.find((status) => found.includes(status)) || "not_judged";

  // Whether a model is known to differ as much from itself, or may for all that is known.
  const mayBeNoise = ({ noise_floor: floor }, delta) => floor === null || !(Math.abs(delta) > floor);

  // The status that intervals come to; `margin` in the metric's unit, where another than the declared one is asked.
  function statusOf(outcome, figures, margin = outcome.margin) {
    if (outcome.n !== null && outcome.n < outcome.min_rows) return "inconclusive";
    const sign = outcome.direction === "lower_is_better" ? -1 : 1;
    const held = (ends, limit) => {
      if (!ends) return "not_judged";
      const [worst, best] = ends.map((end) => sign * end).sort((one, other) => one - other);
      return worst >= limit ? "pass" : best < limit ? "fail" : "inconclusive";
    };
    const isNoise = mayBeNoise(outcome, figures.delta ?? outcome.delta);
    const found = [];
    if (outcome.bound !== null) found.push(held(figures.challenger_interval, sign * outcome.bound));
    if (outcome.better_by !== null) {
      const ends = figures.interval && figures.interval.map((end) => sign * end - outcome.better_by);
      const [worst, best] = ends ? ends.sort((one, other) => one - other) : [];
      found.push(!ends ? "not_judged" : worst > 0 ? (isNoise ? "inconclusive" : "pass") : best <= 0 ? "fail" : "inconclusive");
    } else if (margin !== null) {
      const status = held(figures.interval, -margin);
      // A margin below zero asks to be better.
      found.push(status === "pass" && margin < 0 && isNoise ? "inconclusive" : status);
    }
    return worstOf(found);
  }

  // The standard normal's 95 %.
  const LEVEL = 1.6448536269514722;

  // The index up to which a feature passes and that above which it fails (passes_and_fails of tasks/gates/drift.py).
  function turnsOfDrift({ by_chance: chance, bins, variance_ratio: ratio }, most, scale) {
    const freedom = bins - 1;
    if (freedom < 1) return [most, most];
    const [middle, drifts] = [most + freedom * scale, LEVEL ** 2 * 4 * most * scale * (ratio || 1)];
    const low = middle - Math.sqrt(LEVEL ** 2 * 2 * freedom * scale ** 2 + drifts);
    return [Math.min(most, low), middle + Math.sqrt((chance - freedom * scale) ** 2 + drifts)];
  }

  // Of features' indices and what chance explains of them, both as the evaluation measured them.
  function statusOfDrift({ most, min_rows: least, rows, scale, features, lacks }) {
    if (rows < least) return "inconclusive";
    if (lacks) return "not_judged";
    const each = features.map((feature) => {
      if (feature.psi === null || feature.by_chance === null) return "inconclusive";
      const [passes, fails] = turnsOfDrift(feature, most, scale);
      return feature.psi <= passes ? "pass" : feature.psi > fails ? "fail" : "inconclusive";
    });
    return worstOf(each);
  }

  // Of a search's p-values by Holm's correction over all slices that were searched: what was not told holds at no error that counts.
  function statusOfSearch({ p_values: known, searched, undefined: lacking }, confidence) {
    if (!searched && !lacking) return "inconclusive";
    const rising = known.slice().sort((one, other) => one - other);
    const error = (1 - confidence) / 2;
    if (rising.length && rising[0] <= error * (1 / searched)) return "fail";
    return lacking ? "not_judged" : "pass";
  }

  // By place the confidence at which a claim to be better is held: Holm's correction of all p-values in the verdict
  // (tasks/gates/superiority.py).
  function claimed(outcomes) {
    const claims = outcomes.flatMap((outcome, place) => (outcome.p_value === null ? [] : [{ place, p: outcome.p_value, error: (1 - outcome.confidence) / 2 }]));
    const found = new Map();
    let share = 0;
    let hasStopped = false;
    claims
      .sort((one, other) => one.p / one.error - other.p / other.error || one.place - other.place)
      .forEach(({ place, p, error }, step) => {
        if (!hasStopped) {
          share = 1 / (claims.length - step);
          hasStopped = p > error * share;
        }
        found.set(place, 1 - 2 * error * share);
      });
    return found;
  }

  // The status that follows from what the verdict, or its evaluation, names; null where nothing does.
  function follows(outcome, followed) {
    if (followed.drifts[outcome.name]) return statusOfDrift(followed.drifts[outcome.name]);
    if (followed.searches[outcome.name]) return statusOfSearch(followed.searches[outcome.name], outcome.confidence);
    // Fewer rows than are judged leave a criterion undecided, whatever its interval.
    if (isMetric(outcome) && !isParity(outcome) && outcome.n !== null && outcome.n < outcome.min_rows) return "inconclusive";
    const isKnown = isMetric(outcome) && outcome.status !== "not_judged" && outcome.challenger !== null && outcome.n !== null;
    if (!isKnown || !outcome.challenger_interval) return null;
    const ends = (interval) => interval && [interval.low, interval.high];
    const found = statusOf(outcome, { interval: ends(outcome.interval), challenger_interval: ends(outcome.challenger_interval) });
    // A slice with too few rows leaves a gap undecided, and how many rows each has the verdict does not say.
    return isParity(outcome) && outcome.status === "inconclusive" && found !== "inconclusive" ? null : found;
  }

  function decide(outcomes, found) {
    const critical = found.filter((_, place) => outcomes[place].is_critical);
    return critical.length ? DECISIONS[worstOf(critical)] : "not_judged";
  }

  return { isCompared, isMetric, isParity, statusOf, claimed, follows, decide };
})();
