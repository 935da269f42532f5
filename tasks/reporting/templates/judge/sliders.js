// Sliders that ask what the decision would be under other margins and costs.
//
// What belongs here: elements, and words for what was found. What does not: finding it (asking). Nothing that is moved here changes
// the verdict. They are the browser's own sliders, so that keyboards and screen readers know them.

const sliders = (() => {
  const DECISIONS = { promote: "promote", reject: "reject", inconclusive: "inconclusive", not_judged: "not judged" };
  const KINDS = ["a false positive", "a false negative"];

  const format = (value, isShare = false) => `${Number((isShare ? 100 * value : value).toPrecision(3))}`.replace("-", "\u2212") + (isShare ? " %" : "");

  function sentence(found, isShare) {
    if (found.length === 1) return `The decision is ${DECISIONS[found[0].decision]} all along.`;
    const told = found.map(({ from, decision }, place) => {
      const until = found[place + 1];
      if (place === 0) return `${DECISIONS[decision]} below ${format(until.from, isShare)}`;
      return until ? `${DECISIONS[decision]} from there to ${format(until.from, isShare)}` : `${DECISIONS[decision]} from ${format(from, isShare)} on`;
    });
    return `The decision: ${told.join(", ")}.`;
  }

  function counted(statuses, members) {
    const counts = new Map();
    for (const { place } of members) counts.set(statuses[place], (counts.get(statuses[place]) || 0) + 1);
    return [...counts].map(([status, count]) => `${count} ${status.replace("_", " ")}`).join(", ");
  }

  const rounded = (value, step, round) => Number((round(value / step) * step).toPrecision(12));

  function scaleOf(turns, declared) {
    const most = Math.max(2 * declared, 1.2 * Math.max(0, ...turns), 1e-4);
    const least = Math.min(0, 1.2 * Math.min(0, ...turns));
    const step = 10 ** Math.floor(Math.log10((most - least) / 100));
    return { least: rounded(least, step, Math.floor), most: rounded(most, step, Math.ceil), step: Number(step.toPrecision(3)) };
  }

  function drawSlider(id, scale, value, words, make) {
    const slider = make("input", { type: "range", id, min: scale.least, max: scale.most, step: scale.step, value });
    const output = make("output", { for: id });
    const strip = make("div", { class: "judge-strip", "aria-hidden": "true" });
    const turns = make("small", { class: "judge-turns" });
    const label = make("label", { for: id }, make("b", {}, words[0]), words[1]);
    return { slider, output, strip, turns, scale, row: make("div", { class: "judge-slider" }, label, output, slider, strip, turns) };
  }

  function showStretches({ strip, turns, scale }, found, isShare, make) {
    const { least, most } = scale;
    turns.textContent = sentence(found, isShare);
    const inside = found.filter(({ from }) => from < most);
    const segments = inside.map(({ from, decision }, place) => {
      const until = place + 1 < inside.length ? inside[place + 1].from : most;
      const segment = make("span", { class: decision });
      segment.style.width = `${(100 * (until - Math.max(from, least))) / (most - least)}%`;
      return segment;
    });
    strip.replaceChildren(...segments);
  }

  // Fills `box` with a slider for each margin, and for both kinds of cost where a criterion is on one; `make` makes elements.
  function draw(box, verdict, again, make) {
    const asked = asking.about(verdict, again);
    if (!asked.groups.length && !asked.costs) {
      box.append(make("p", {}, "No criterion with a margin to the champion or a gap between slices was judged, and none on a cost."));
      return;
    }
    const question = { margins: new Map(), costs: null };
    const told = make("p", { role: "status", class: "judge-told" });
    const drawnMargins = asked.groups.map((group, place) => {
      const kind = group.isGap ? "gap between slices" : group.isRelative ? "margin, a share of the champion's figure" : "margin";
      const words = [group.name, ` ${kind}, declared ${format(group.declared, group.isRelative)}`];
      return drawSlider(`judge-margin-${place}`, scaleOf(asked.turnsOf(group), group.declared), group.declared, words, make);
    });
    const drawnCosts = (asked.costs || []).map((cost, kind) => {
      const words = [`Cost of ${KINDS[kind]}`, `, declared ${format(cost)}`];
      return drawSlider(`judge-cost-${kind}`, scaleOf([], 2 * Math.max(...asked.costs)), cost, words, make);
    });

    const showMargin = (group, drawn, { statuses, decision }) => {
      const margin = question.margins.has(group.name) ? question.margins.get(group.name) : group.declared;
      const value = `${format(margin, group.isRelative)}: ${counted(statuses, group.members)}`;
      drawn.output.textContent = value;
      drawn.slider.setAttribute("aria-valuetext", `${value}, decision ${DECISIONS[decision]}`);
      if (group.members.some(({ outcome }) => outcome.is_critical)) {
        showStretches(drawn, asked.alongMargin(group, question, drawn.scale.least), group.isRelative, make);
      } else {
        drawn.turns.textContent = "Not critical: it is told and never decides.";
      }
    };
    const showCost = (kind, drawn, decision, isDone) => {
      const costs = question.costs || asked.costs;
      drawn.output.textContent = format(costs[kind]);
      drawn.slider.setAttribute("aria-valuetext", `${format(costs[kind])}, decision ${DECISIONS[decision]}`);
      // Many replicates are looked at for this, so that it waits until the slider rests.
      if (isDone) showStretches(drawn, asked.alongCost(kind, { ...question, costs }, drawn.scale.most), false, make);
    };
    const update = (isDone) => {
      const found = asked.under(question);
      const moved = [...question.margins.keys(), ...(question.costs ? ["the costs"] : [])];
      const where = moved.length ? `With ${moved.join(", ")} moved` : "As declared";
      const other = found.decision === verdict.decision ? "" : `, where the verdict is ${DECISIONS[verdict.decision]}`;
      told.textContent = `${where}: ${DECISIONS[found.decision]}${other}.`;
      told.className = `judge-told ${found.decision}`;
      drawnMargins.forEach((drawn, place) => showMargin(asked.groups[place], drawn, found));
      drawnCosts.forEach((drawn, kind) => showCost(kind, drawn, found.decision, isDone));
    };

    drawnMargins.forEach(({ slider }, place) => {
      slider.addEventListener("input", () => {
        question.margins.set(asked.groups[place].name, Number(slider.value));
        update(false);
      });
    });
    drawnCosts.forEach(({ slider }, kind) => {
      slider.addEventListener("input", () => {
        question.costs = (question.costs || asked.costs).map((cost, place) => (place === kind ? Number(slider.value) : cost));
        update(false);
      });
    });
    const all = [...drawnMargins, ...drawnCosts];
    all.forEach(({ slider }) => slider.addEventListener("change", () => update(true)));
    const reset = make("button", { type: "button" }, "Back to what was declared");
    reset.addEventListener("click", () => {
      question.margins.clear();
      question.costs = null;
      drawnMargins.forEach(({ slider }, place) => (slider.value = asked.groups[place].declared));
      drawnCosts.forEach(({ slider }, kind) => (slider.value = asked.costs[kind]));
      update(true);
    });
    box.append(told, ...all.map(({ row }) => row), reset);
    update(true);
  }

  return { draw };
})();
