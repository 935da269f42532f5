// What a metric is, made again from sums over blocks: its value, and its value in every replicate.
//
// What belongs here: unpacking sums, and the formulas of tasks/evaluation. What does not: drawing weights (draws), and intervals
// (intervals).

const metrics = (() => {
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const ratio = (part, whole) => (whole === 0 ? NaN : part / whole);
  const mean = (sums) => ratio(sums[0], sums[1]);
  // Of a confusion: true positives, false positives, false negatives, true negatives.
  const precision = ([tp, fp]) => ratio(tp, tp + fp);
  const recall = ([tp, , fn]) => ratio(tp, tp + fn);

  const FORMULAS = {
    mean,
    root_mean: (sums) => Math.sqrt(mean(sums)),
    absolute_mean: (sums) => Math.abs(mean(sums)),
    mean_gap: (sums) => {
      const last = sums.length - 1;
      let gaps = 0;
      for (let place = 0; place < last; place += 1) gaps += Math.abs(sums[place]);
      return ratio(gaps, sums[last]);
    },
    accuracy: (sums) => ratio(sums[0] + sums[3], sum(sums)),
    balanced_accuracy: (sums) => (recall(sums) + ratio(sums[3], sums[3] + sums[1])) / 2,
    precision,
    recall,
    f1: ([tp, fp, fn]) => ratio(2 * tp, 2 * tp + fp + fn),
    f_beta: ([tp, fp, fn], [squared]) => ratio((1 + squared) * tp, (1 + squared) * tp + squared * fn + fp),
    cost: (sums, [falsePositive, falseNegative]) => ratio(falsePositive * sums[1] + falseNegative * sums[2], sum(sums)),
    mcc: ([tp, fp, fn, tn]) => {
      if ((tp + fn) * (tn + fp) === 0) return NaN;
      const spread = Math.sqrt((tp + fp) * (tn + fn)) * Math.sqrt((tp + fn) * (tn + fp));
      return spread === 0 ? 0 : (tp * tn - fp * fn) / spread;
    },
    // Halves of the columns: of each class what is right, and of how much.
    mean_of_ratios: (sums) => {
      const size = sums.length / 2;
      let total = 0;
      let defined = 0;
      for (let place = 0; place < size; place += 1) {
        if (sums[size + place] === 0) continue;
        total += sums[place] / sums[size + place];
        defined += 1;
      }
      return ratio(total, defined);
    },
    // Right decisions, rows by class, and rows by decision.
    mcc_of_classes: (sums) => {
      const size = (sums.length - 1) / 2;
      let [rows, together, labels, hits] = [0, 0, 0, 0];
      for (let place = 1; place <= size; place += 1) {
        rows += sums[place];
        together += sums[place] * sums[size + place];
        labels += sums[place] ** 2;
        hits += sums[size + place] ** 2;
      }
      const [ofLabels, ofHits] = [rows ** 2 - labels, rows ** 2 - hits];
      if (ofLabels === 0) return NaN;
      return ofHits === 0 ? 0 : (sums[0] * rows - together) / (Math.sqrt(ofHits) * Math.sqrt(ofLabels));
    },
    r2: ([errors, off, squares, rows]) => {
      const spread = squares - ratio(off * off, rows);
      return 1 - ratio(errors, spread <= 1e-12 * squares ? 0 : spread);
    },
  };

  // Numbers of 4 or 8 bytes, little-endian, from base64.
  function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed.data), (letter) => letter.charCodeAt(0));
    const [width, read] = packed.kind === "int32" ? [4, "getInt32"] : [8, "getFloat64"];
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: bytes.length / width }, (_, place) => view[read](place * width, true));
  }

  // Pairs won, over pairs there are, of the class at place `target`; `weights` holds one replicate after another.
  function areaOf({ columns }, sums, pairs, blocks, weights, target) {
    const first = (target * blocks * (blocks + 1)) / 2;
    const found = new Float64Array(weights.length / blocks);
    for (let replicate = 0; replicate < found.length; replicate += 1) {
      const start = replicate * blocks;
      let won = 0;
      let positives = 0;
      let negatives = 0;
      let place = first;
      for (let one = 0; one < blocks; one += 1) {
        const weight = weights[start + one];
        if (weight === 0) {
          place += blocks - one;
          continue;
        }
        positives += weight * sums[one * columns + 2 * target];
        negatives += weight * sums[one * columns + 2 * target + 1];
        let beaten = 0;
        for (let other = one; other < blocks; other += 1, place += 1) beaten += weights[start + other] * pairs[place];
        won += weight * beaten;
      }
      found[replicate] = won / 2 / (positives * negatives);
    }
    return found;
  }

  // The mean over classes; of a label of two there is one.
  function areas(figure, sums, pairs, blocks, weights) {
    const targets = figure.columns / 2;
    const each = Array.from({ length: targets }, (_, target) => areaOf(figure, sums, pairs, blocks, weights, target));
    return targets === 1 ? each[0] : each[0].map((_, place) => sum(each.map((found) => found[place])) / targets);
  }

  function values({ formula, numbers, columns }, sums, blocks, weights) {
    const found = new Float64Array(weights.length / blocks);
    const totals = new Float64Array(columns);
    for (let replicate = 0; replicate < found.length; replicate += 1) {
      totals.fill(0);
      for (let block = 0; block < blocks; block += 1) {
        const weight = weights[replicate * blocks + block];
        if (weight === 0) continue;
        for (let column = 0; column < columns; column += 1) totals[column] += weight * sums[block * columns + column];
      }
      found[replicate] = FORMULAS[formula](totals, numbers);
    }
    return found;
  }

  // One role's metric under each weighting of `blocks`: the mean over draws of folds. `figure` as tasks.records.BlockFigure.
  function measure(figure, role) {
    const blocks = figure.members.length;
    const drawn = (figure.sums[role] || []).map(unpack);
    const pairs = ((figure.pairs || {})[role] || []).map(unpack);
    return (weights) => {
      const each = drawn.map((sums, draw) =>
        figure.formula === "area"
          ? areas(figure, sums, pairs[draw], blocks, weights)
          : values(figure, sums, blocks, weights),
      );
      return each[0].map((_, place) => sum(each.map((found) => found[place])) / each.length);
    };
  }

  return { FORMULAS, unpack, measure };
})();
