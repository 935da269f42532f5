// Intervals of methods that draw nothing: DeLong's, of the variances of areas, and McNemar's, of decisions that only one model gets right.
//
// What belongs here: these, from counts by block or of all rows (tasks/evaluation/delong.py and tasks/gates/intervals.py have the
// sources). What does not: replicates (replicates), and what an interval is held against (statuses).

const unresampled = (() => {
  const SCORE_STEPS = 60;
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const dot = (one, other) => sum(one.map((value, place) => value * other[place]));
  const corrected = (total, count) => (total * count) / (count - 1);

  // How much each block's positives, and its negatives, move the area: of pairs won by blocks over one another, and in all.
  function componentsOf(figure, role) {
    const blocks = figure.members.length;
    const [counts, pairs, wins] = ["sums", "pairs", "wins"].map((held) => metrics.unpack(figure[held][role][0]));
    const [positives, negatives] = [0, 1].map((column) => Array.from({ length: blocks }, (_, block) => counts[2 * block + column]));
    const touched = new Float64Array(blocks);
    let place = 0;
    for (let one = 0; one < blocks; one += 1) {
      for (let other = one; other < blocks; other += 1, place += 1) {
        touched[one] += pairs[place];
        touched[other] += pairs[place];
      }
    }
    const [all, others] = [sum(positives), sum(negatives)];
    const area = sum([...wins]) / 2 / (all * others);
    const lost = [...touched].map((total, block) => total - wins[block]);
    return {
      area,
      positives: positives.map((count, block) => (wins[block] / 2 / others - count * area) / all),
      negatives: negatives.map((count, block) => (lost[block] / 2 / all - count * area) / others),
      counts: [positives, negatives].map((held) => held.filter((count) => count > 0).length),
    };
  }

  // {challenger, champion, errors: [challenger's variance, champion's, covariance]}; null where the page has not what it takes.
  function areasOf(figure) {
    const roles = ["challenger", "champion"].filter((role) => figure.sums[role]);
    if (figure.formula === "area_variances") {
      const areas = roles.map((role) => metrics.unpack(figure.pairs[role][0])[0] / 2 / metrics.unpack(figure.sums[role][0]).reduce((one, other) => one * other));
      return { challenger: areas[0], champion: roles.length > 1 ? areas[1] : null, errors: figure.numbers };
    }
    if (figure.formula !== "area" || !roles.every((role) => (figure.wins[role] || []).length === 1)) return null;
    const found = roles.map((role) => componentsOf(figure, role));
    const covariance = (one, other) =>
      corrected(dot(one.positives, other.positives), one.counts[0]) +
      corrected(dot(one.negatives, other.negatives), one.counts[1]) +
      corrected(dot(one.positives, other.negatives) + dot(one.negatives, other.positives), figure.members.length);
    const [own, champion] = found;
    const errors = champion ? [covariance(own, own), covariance(champion, champion), covariance(champion, own)] : [covariance(own, own)];
    return { challenger: own.area, champion: champion ? champion.area : null, errors };
  }

  // (value, variance) of the challenger's area, of the difference to the champion's, or of that as a share (by the delta method).
  function valueOf({ challenger, champion, errors: [own, its, covariance] }, figure) {
    if (figure === "challenger") return [challenger, own];
    if (champion === null) return null;
    if (figure === "delta") return [challenger - champion, own + its - 2 * covariance];
    const share = challenger / champion;
    return champion > 0 ? [share - 1, (own - 2 * share * covariance + share ** 2 * its) / champion ** 2] : null;
  }

  function delong(areas, clusters, confidence, figure) {
    const found = valueOf(areas, figure);
    if (!found || clusters < 2) return null;
    const reach = intervals.studentQuantile(clusters - 1, (1 + confidence) / 2) * Math.sqrt(Math.max(found[1], 0));
    return [found[0] - reach, found[0] + reach];
  }

  // Tango's score for a true difference of `delta`.
  function scoreOf(won, lost, rows, delta) {
    const first = 2 * rows;
    const second = -won - lost + (2 * rows - won + lost) * delta;
    const third = -lost * delta * (1 - delta);
    const share = (Math.sqrt(Math.max(second ** 2 - 4 * first * third, 0)) - second) / (2 * first);
    const variance = rows * (2 * share + delta * (1 - delta));
    const distance = won - lost - rows * delta;
    return variance > 0 ? distance / Math.sqrt(variance) : distance ? Math.sign(distance) * Infinity : 0;
  }

  function mcnemar(won, lost, rows, confidence) {
    const level = intervals.normalQuantile((1 + confidence) / 2);
    return [-level, level].map((reach) => {
      let [low, high] = [-1, 1];
      for (let step = 0; step < SCORE_STEPS; step += 1) {
        const middle = (low + high) / 2;
        if (scoreOf(won, lost, rows, middle) + reach > 0) low = middle;
        else high = middle;
      }
      return (low + high) / 2;
    });
  }

  // Figures and intervals of an outcome by DeLong or McNemar, as remaking.figuresOf has them; null where the page has not what it takes.
  function figuresOf(outcome, figure) {
    const confidence = outcome.interval ? outcome.interval.confidence : outcome.confidence;
    if (outcome.method === "mcnemar") {
      if (figure.formula !== "decisions") return null;
      const [right, lost, won] = metrics.unpack(figure.sums.both[0]);
      const [challenger, champion] = [(right + won) / figure.rows, (right + lost) / figure.rows];
      // The challenger's own interval is the bootstrap's, shown beside the difference that decides.
      const shown = outcome.challenger_interval && [outcome.challenger_interval.low, outcome.challenger_interval.high];
      return { challenger, champion, delta: challenger - champion, interval: mcnemar(won, lost, figure.rows, confidence), challenger_interval: shown };
    }
    const areas = areasOf(figure);
    if (!areas) return null;
    const { challenger, champion } = areas;
    const own = delong(areas, figure.clusters, outcome.confidence, "challenger");
    let interval = own;
    if (statuses.isCompared(outcome) && champion !== null) {
      const isRelative = outcome.relative_margin !== null;
      interval = delong(areas, figure.clusters, confidence, isRelative ? "relative" : "delta");
      if (isRelative && interval) interval = interval.map((end) => end * champion);
    }
    return { challenger, champion, delta: champion === null ? null : challenger - champion, interval, challenger_interval: own };
  }

  return { areasOf, delong, figuresOf };
})();
