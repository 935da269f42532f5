// The gap between the best and the worst slice of a column, with its interval.
//
// What belongs here: the rule of tasks/gates/parity.py. What does not: the slices' own figures and intervals (replicates, intervals,
// unresampled).

const parity = (() => {
  const isUsable = (ends) => ends !== null && ends.every(Number.isFinite) && ends[0] <= ends[1];
  const gap = (values) => Math.max(...values) - Math.min(...values);

  // {point by role, read: confidence -> interval} of one slice.
  function sliceOf(outcome, figure, evidence, resample) {
    const { clusters } = figure;
    if (outcome.method === "delong") {
      const areas = unresampled.areasOf(figure);
      return areas && { ...areas, read: (confidence) => unresampled.delong(areas, clusters, confidence, "challenger") };
    }
    const resampled = resample(figure, outcome.replicates);
    const read = (confidence) =>
      intervals.interval(resampled.challenger, { method: outcome.method, confidence, clusters, plain: confidence === evidence.confidence });
    return { challenger: resampled.challenger.point, champion: resampled.champion ? resampled.champion.point : null, read };
  }

  // Figures as remaking.figuresOf has them, and whether a slice has too few rows; null where a slice lacks what its method takes.
  function gapOf(outcome, figures, evidence, resample) {
    const slices = figures.map((figure) => sliceOf(outcome, figure, evidence, resample));
    if (slices.includes(null)) return null;
    const error = (1 - outcome.confidence) / 2;
    const readAll = (oneSided) => slices.map(({ read }) => read(1 - 2 * oneSided)).filter(isUsable);
    const [wide, widest] = [readAll(error / 2), readAll(error / (2 * slices.length))];
    let interval = null;
    if (wide.length === slices.length) {
      const least = widest.length < slices.length ? 0 : Math.max(...widest.map(([low]) => low)) - Math.min(...widest.map(([, high]) => high));
      interval = [Math.max(0, least), Math.max(...wide.map(([, high]) => high)) - Math.min(...wide.map(([low]) => low))];
    }
    const champions = slices.map(({ champion }) => champion);
    return {
      challenger: gap(slices.map(({ challenger }) => challenger)),
      champion: champions.includes(null) ? null : gap(champions),
      delta: null,
      n: figures.reduce((total, { rows }) => total + rows, 0),
      interval,
      challenger_interval: interval,
      isTooFew: figures.some(({ rows }) => rows < outcome.min_rows),
      way: outcome.method !== "delong" ? "replicates" : figures[0].formula === "area" ? "components" : "variances",
    };
  }

  return { gapOf };
})();
