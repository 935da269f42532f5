// Criteria judged again: figures from blocks of rows, statuses from figures, the decision from statuses.
//
// What belongs here: the rules of tasks/gates (comparisons, bounds, decision), asked of outcomes as verdict.json has them. What does
// not: intervals (intervals), and anything that is shown (panel).

const criteria = (() => {
  const WORST_FIRST = ["fail", "not_judged", "inconclusive", "pass"];
  const DECISIONS = { fail: "reject", not_judged: "not_judged", inconclusive: "inconclusive", pass: "promote" };
  const MOST_JACKKNIFED = 200;
  const EXACT = 1e-9;
  const MERGED = 0.2;

  const isMetric = (outcome) => outcome.metric !== null && (outcome.bound !== null || isCompared(outcome));
  const isCompared = (outcome) => outcome.margin !== null || outcome.better_by !== null;
  const keyOf = (found) => `${found.metric} ${found.slice === null ? "" : found.slice}`;

  // Resamples each figure once, and each number of clusters is drawn once, however many criteria ask: by role and `delta` and
  // `relative` {point, replicates, leftOut}.
  function resampler(seed) {
    const drawn = new Map();
    const known = new Map();
    const once = (map, key, make) => map.get(key) || map.set(key, make()).get(key);
    return (figure, replicates) =>
      once(known, `${replicates} ${figure.numbers} ${keyOf(figure)}`, () => {
        const { clusters, members } = figure;
        const weights = once(drawn, `${clusters} ${replicates}`, () => draws.clusterWeights(clusters, replicates, seed));
        const weighed = draws.blockWeights(weights, clusters, members);
        const one = new Float64Array(members.length).fill(1);
        const omitted = new Float64Array(clusters * clusters).fill(1);
        for (let place = 0; place < clusters; place += 1) omitted[place * clusters + place] = 0;
        const left = clusters <= MOST_JACKKNIFED ? draws.blockWeights(omitted, clusters, members) : null;
        const found = {};
        for (const role of Object.keys(figure.sums)) {
          const measure = metrics.measure(figure, role);
          found[role] = { point: measure(one)[0], replicates: measure(weighed), leftOut: left && measure(left) };
        }
        return withDifferences(found);
      });
  }

  // Two figures taken together, number by number.
  function both(one, other, join) {
    const all = (field) => one[field] && one[field].map((value, place) => join(value, other[field][place]));
    return { point: join(one.point, other.point), replicates: all("replicates"), leftOut: all("leftOut") };
  }

  function withDifferences(found) {
    const { challenger, champion } = found;
    if (!champion) return found;
    const delta = both(challenger, champion, (one, other) => one - other);
    const isPositive = champion.point > 0 && champion.replicates.every((value) => !Number.isFinite(value) || value > 0);
    return { ...found, delta, relative: isPositive && both(delta, champion, (part, whole) => part / whole) };
  }

  // The figure of a cost at other costs: costs are sums, so that each kind of mistake is resampled once.
  function atCosts(figure, replicates, resample, costs) {
    const kinds = [[1, 0], [0, 1]].map((numbers) => resample({ ...figure, numbers }, replicates));
    const found = {};
    for (const role of Object.keys(figure.sums)) {
      found[role] = both(kinds[0][role], kinds[1][role], (one, other) => costs[0] * one + costs[1] * other);
    }
    return withDifferences(found);
  }

  // Why an outcome is not made again in a browser, or "".
  function whyNot(outcome, figure, evidence) {
    if (outcome.metric === null) return "it judges reports, whose hashes are in the verdict";
    if (!isMetric(outcome)) return "it asks for no figure";
    if (outcome.status === "not_judged") return `it could not be judged: ${outcome.reason}`;
    if (!Number.isInteger(evidence.seed)) return "the verdict names no seed of its replicates";
    if (outcome.challenger === null) return "its figures are withheld";
    if (["delong", "mcnemar"].includes(outcome.method)) return `its interval (${outcome.method}) is not made of replicates`;
    if (figure) return "";
    if (outcome.metric.startsWith("parity[")) return "a gap between slices is not made again here";
    const column = outcome.slice === null ? null : outcome.slice.split("=")[0];
    const named = evidence.unpublished.find((left) => left.metric === outcome.metric && [outcome.slice, column].includes(left.slice));
    return named ? named.reason : "no sums of it are in this page";
  }

  // A claim to be better is read from expanded percentiles though its criterion may name plain ones, which its bound is held by.
  function ownInterval(outcome, read) {
    const found = read(outcome.method);
    const told = outcome.challenger_interval;
    const differs = told && found && apart(told.low, found[0]) > EXACT;
    return outcome.better_by !== null && outcome.method === "expanded" && differs ? read("cluster_bootstrap") : found;
  }

  function figuresOf(outcome, resampled, evidence, clusters) {
    const read = (figure, confidence, method) =>
      figure ? intervals.interval(figure, { method, confidence, clusters, plain: confidence === evidence.confidence }) : null;
    const challenger = ownInterval(outcome, (method) => read(resampled.challenger, outcome.confidence, method));
    const champion = resampled.champion ? resampled.champion.point : null;
    let interval = challenger;
    if (isCompared(outcome) && resampled.champion) {
      const confidence = outcome.interval ? outcome.interval.confidence : outcome.confidence;
      const isRelative = outcome.relative_margin !== null;
      interval = read(isRelative ? resampled.relative : resampled.delta, confidence, outcome.method);
      if (isRelative && interval) interval = interval.map((end) => end * champion);
    }
    return {
      challenger: resampled.challenger.point,
      champion,
      delta: resampled.delta ? resampled.delta.point : null,
      interval,
      challenger_interval: challenger,
    };
  }

  // The status that intervals come to; `margin` in the metric's unit, where another than the declared one is asked.
  function statusOf(outcome, figures, margin = outcome.margin) {
    if (outcome.n !== null && outcome.n < outcome.min_rows) return "inconclusive";
    const sign = outcome.direction === "lower_is_better" ? -1 : 1;
    const held = (ends, limit) => {
      if (!ends) return "not_judged";
      const [worst, best] = ends.map((end) => sign * end).sort((one, other) => one - other);
      return worst >= limit ? "pass" : best < limit ? "fail" : "inconclusive";
    };
    const found = [];
    if (outcome.bound !== null) found.push(held(figures.challenger_interval, sign * outcome.bound));
    if (outcome.better_by !== null) {
      const ends = figures.interval && figures.interval.map((end) => sign * end - outcome.better_by);
      const [worst, best] = ends ? ends.sort((one, other) => one - other) : [];
      const isNoise = outcome.noise_floor !== null && Math.abs(outcome.delta) <= outcome.noise_floor;
      found.push(!ends ? "not_judged" : worst > 0 ? (isNoise ? "inconclusive" : "pass") : best <= 0 ? "fail" : "inconclusive");
    } else if (margin !== null) {
      found.push(held(figures.interval, -margin));
    }
    return worstOf(found);
  }

  const worstOf = (statuses) => WORST_FIRST.find((status) => statuses.includes(status)) || "not_judged";

  function decide(outcomes, statuses) {
    const critical = statuses.filter((_, place) => outcomes[place].is_critical);
    return critical.length ? DECISIONS[worstOf(critical)] : "not_judged";
  }

  // How far two figures lie apart, in the unit in which a difference may be held against `reach`.
  const apart = (one, other) => (one === null || other === null ? (one === other ? 0 : Infinity) : Math.abs(one - other));

  const farthest = (pairs) => pairs.map(([one, other]) => apart(one, other)).reduce((most, found) => Math.max(most, found), 0);

  // How far the figures lie apart, and how far the ends of the intervals.
  function distances(outcome, figures) {
    const pointed = ["challenger", "champion", "delta"].map((field) => [outcome[field], figures[field]]);
    const ends = ["interval", "challenger_interval"].flatMap((field) => {
      const [mine, theirs] = [figures[field] || [null, null], outcome[field]];
      return (theirs ? [theirs.low, theirs.high] : [null, null]).map((end, place) => [end, mine[place]]);
    });
    return { points: farthest(pointed), ends: farthest(ends) };
  }

  // One outcome made again: {level: "exact" | "merged" | "not", why, figures, status, isSame, apart}.
  function remake(outcome, figure, evidence, resample) {
    const why = whyNot(outcome, figure, evidence);
    if (why) return { level: "not", why, status: outcome.status, isSame: true };
    const figures = figuresOf(outcome, resample(figure, outcome.replicates), evidence, figure.clusters);
    const status = statusOf(outcome, figures);
    const isMerged = figure.members.some((count) => count > 1);
    const { points, ends } = distances(outcome, figures);
    const exact = EXACT * Math.max(1, Math.abs(figures.challenger));
    const widths = [figures.interval, figures.challenger_interval].map((ends) => (ends ? ends[1] - ends[0] : 0));
    const width = Math.max(...widths);
    const isNear = points <= exact && ends <= (isMerged ? Math.max(MERGED * width, exact) : exact);
    if (isMerged && isNear && status !== outcome.status) {
      return { level: "not", why: "merged blocks are too coarse for an interval so close to its limit", status: outcome.status, isSame: true };
    }
    return { level: isMerged ? "merged" : "exact", why, figures, status, isSame: isNear && status === outcome.status, apart: ends };
  }

  // What wrong decisions cost, where a criterion that was made again is on a cost: {costs: [false positive, false negative] or null,
  // underCosts: costs -> by place the figures}.
  function costsOf(verdict, outcomes, known, evidence, resample) {
    const places = verdict.criteria.flatMap((outcome, place) => {
      const figure = outcomes[place].level === "not" ? undefined : known.get(keyOf(outcome));
      return figure && figure.formula === "cost" ? [{ place, outcome, figure }] : [];
    });
    const underCosts = (costs) =>
      new Map(
        places.map(({ place, outcome, figure }) => {
          const resampled = atCosts(figure, outcome.replicates, resample, costs);
          return [place, figuresOf(outcome, resampled, evidence, figure.clusters)];
        }),
      );
    return { costs: places.length ? places[0].figure.numbers : null, underCosts };
  }

  // The whole verdict judged again: each outcome, the decision they come to, and whether all agrees.
  function rejudge(verdict, carried) {
    const evidence = { ...carried, seed: verdict.seeds.evaluation };
    const known = new Map(evidence.figures.map((figure) => [keyOf(figure), figure]));
    const resample = resampler(evidence.seed);
    const outcomes = verdict.criteria.map((outcome) => remake(outcome, known.get(keyOf(outcome)), evidence, resample));
    const decision = decide(verdict.criteria, outcomes.map((found) => found.status));
    const differing = verdict.criteria.filter((_, place) => !outcomes[place].isSame);
    return {
      outcomes,
      decision,
      made: outcomes.filter((found) => found.level !== "not").length,
      differing,
      isSame: !differing.length && decision === verdict.decision,
      ...costsOf(verdict, outcomes, known, evidence, resample),
    };
  }

  return { rejudge, statusOf, decide, isCompared };
})();
