// One outcome of the verdict made again, as far as the page carries what it takes.
//
// What belongs here: which figures an outcome is of, how far they may lie off, and why one is not made again. What does not: replicates
// (replicates), and what follows from figures (statuses).

const remaking = (() => {
  const EXACT = 1e-9;
  const MERGED = 0.2;
  const UNRESAMPLED = ["delong", "mcnemar"];

  // Why an outcome's figures are not made again in a browser, or "".
  function whyNot(outcome, evidence) {
    if (evidence.followed.drifts[outcome.name]) return "the index of each feature is the evaluation's: no histogram is in this page";
    if (evidence.followed.searches[outcome.name]) {
      return "the p-values are the evaluation's: sums of slices that overlap would give small groups away by subtraction";
    }
    if (outcome.status === "not_judged") return `it could not be judged: ${outcome.reason}`;
    if (outcome.metric === null) return "it judges reports, whose hashes are in the verdict";
    if (!statuses.isMetric(outcome)) return "it asks for no figure";
    if (!Number.isInteger(evidence.seed)) return "the verdict names no seed of its replicates";
    return outcome.challenger === null ? "its figures are withheld" : "";
  }

  // Of slices, and of the gap between them, that cannot be shown in full.
  function whyUnpublished(metric, slice, method, evidence) {
    const column = slice === null ? null : slice.split("=")[0];
    const named = evidence.unpublished.find((left) => left.metric === metric && [slice, column].includes(left.slice));
    if (named && evidence.cluster === "row" && UNRESAMPLED.includes(method)) return "its counts would rest on too few people, or give such away";
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
    if (statuses.isCompared(outcome) && resampled.champion) {
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

  // How far two figures lie apart, in the unit in which a difference may be held against `reach`.
  const apart = (one, other) => (one === null || other === null ? (one === other ? 0 : Infinity) : Math.abs(one - other));

  const farthest = (pairs) => pairs.map(([one, other]) => apart(one, other)).reduce((most, found) => Math.max(most, found), 0);

  // How far the figures lie apart, and how far the ends of the intervals.
  function distances(outcome, figures) {
    const pointed = ["challenger", "champion", "delta", "n"].map((field) => [outcome[field], figures[field]]);
    const ends = ["interval", "challenger_interval"].flatMap((field) => {
      const [mine, theirs] = [figures[field] || [null, null], outcome[field]];
      return (theirs ? [theirs.low, theirs.high] : [null, null]).map((end, place) => [end, mine[place]]);
    });
    return { points: farthest(pointed), ends: farthest(ends) };
  }

  // {figures, isMerged, way} of an outcome on one metric, or {why}.
  function ofMetric(outcome, known, evidence, resample) {
    const figure = known.get(replicates.keyOf(outcome));
    const isPaired = figure && ["decisions", "area_variances"].includes(figure.formula);
    if (UNRESAMPLED.includes(outcome.method)) {
      const found = figure && unresampled.figuresOf(outcome, figure);
      if (!found) return { why: whyUnpublished(outcome.metric, outcome.slice, outcome.method, evidence) };
      const way = { decisions: "decisions", area_variances: "variances", area: "components" }[figure.formula];
      return { figures: { ...found, n: figure.rows }, isMerged: isMerged(figure), way };
    }
    if (!figure || isPaired) return { why: whyUnpublished(outcome.metric, outcome.slice, outcome.method, evidence) };
    const found = figuresOf(outcome, resample(figure, outcome.replicates), evidence, figure.clusters);
    return { figures: { ...found, n: figure.rows }, isMerged: isMerged(figure), way: "replicates" };
  }

  const isMerged = (figure) => figure.members.some((count) => count > 1);

  // The same of a gap between the slices of a column, of which all have to be in the page.
  function ofParity(outcome, evidence, resample) {
    const [, metric, column] = /^parity\[(.+) by (.+)\]$/.exec(outcome.metric) || [];
    const ofSlices = (found) => found.metric === metric && found.slice !== null && (found.slice === column || found.slice.startsWith(`${column}=`));
    const isPaired = evidence.cluster === "row";
    const lacking = evidence.unpublished.find(ofSlices);
    if (outcome.method === "mcnemar") return { why: "McNemar's method is of differences to the champion" };
    const figures = evidence.figures.filter((figure) => ofSlices(figure) && (figure.formula === "area_variances") === isPaired);
    if (figures.length < 2 || (lacking && !isPaired)) {
      return { why: lacking ? `of ${lacking.slice}, ${lacking.reason}` : "no sums of its slices are in this page" };
    }
    const found = parity.gapOf(outcome, figures, evidence, resample);
    const isWhole = found && (!isPaired || found.n === outcome.n);
    return isWhole ? { figures: found, isMerged: figures.some(isMerged), way: found.way } : { why: "not all of its slices are in this page" };
  }

  // Whether figures made here are the verdict's, and what status they come to.
  function held(outcome, { figures, isMerged: isCoarse, way }) {
    const status = figures.isTooFew ? "inconclusive" : statuses.statusOf(outcome, figures);
    const { points, ends } = distances(outcome, figures);
    const exact = EXACT * Math.max(1, Math.abs(figures.challenger));
    const width = Math.max(...[figures.interval, figures.challenger_interval].map((both) => (both ? both[1] - both[0] : 0)));
    const isNear = points <= exact && ends <= (isCoarse ? Math.max(MERGED * width, exact) : exact);
    if (isCoarse && isNear && status !== outcome.status) return { why: "merged blocks are too coarse for an interval so close to its limit" };
    return { level: isCoarse ? "merged" : "exact", why: "", way, figures, status, isSame: isNear && status === outcome.status, apart: ends };
  }

  // Where figures are not made again, the status may still follow from what the verdict names.
  function followed(outcome, why, evidence) {
    const status = statuses.follows(outcome, evidence.followed);
    if (status === null) return { level: "not", why, status: outcome.status, isSame: true };
    return { level: "follows", why, status, isSame: status === outcome.status };
  }

  // One outcome made again: {level: "exact" | "merged" | "follows" | "not", why, way, figures, status, isSame, apart}.
  function remake(outcome, known, evidence, resample) {
    const why = whyNot(outcome, evidence);
    if (why) return followed(outcome, why, evidence);
    const made = statuses.isParity(outcome) ? ofParity(outcome, evidence, resample) : ofMetric(outcome, known, evidence, resample);
    if (made.why) return followed(outcome, made.why, evidence);
    const found = held(outcome, made);
    return found.level ? found : followed(outcome, found.why, evidence);
  }

  return { remake, figuresOf };
})();
