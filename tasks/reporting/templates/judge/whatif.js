// What the decision would be under other margins.
//
// What belongs here: which criteria can be asked, where the decision turns, and the sliders. What does not: judging (criteria), and
// what the page says of itself (panel). Nothing that is moved here changes the verdict.

const whatif = (() => {
  const DECISIONS = { promote: "promote", reject: "reject", inconclusive: "inconclusive", not_judged: "not judged" };

  const nameOf = (outcome) => (outcome.slice === null ? outcome.name : outcome.name.replace(`[${outcome.slice.split("=").slice(1).join("=")}]`, ""));
  const inUnit = (outcome, value) => (outcome.relative_margin === null ? value : value * Math.abs(outcome.champion));
  const declared = (outcome) => (outcome.relative_margin === null ? outcome.margin : outcome.relative_margin);

  // The criteria with a margin, by name: {name, isRelative, declared, members: [{place, outcome, figures}]}. One whose status does not
  // follow from its figures is left as it is.
  function groupsOf(verdict, outcomes) {
    const groups = new Map();
    verdict.criteria.forEach((outcome, place) => {
      if (outcome.margin === null || !outcome.interval || outcome.status === "not_judged") return;
      const ends = (interval) => interval && [interval.low, interval.high];
      const kept = { interval: ends(outcome.interval), challenger_interval: ends(outcome.challenger_interval) };
      const figures = outcomes[place].figures || kept;
      if (criteria.statusOf(outcome, figures) !== outcome.status) return;
      const name = nameOf(outcome);
      const group = groups.get(name) || { name, isRelative: outcome.relative_margin !== null, declared: declared(outcome), members: [] };
      group.members.push({ place, outcome, figures });
      groups.set(name, group);
    });
    return [...groups.values()];
  }

  // The margins at which a member's status turns: the worst and the best end of its interval, as a margin.
  function turnsOf({ outcome, figures }) {
    const sign = outcome.direction === "lower_is_better" ? -1 : 1;
    const unit = outcome.relative_margin === null ? 1 : Math.abs(outcome.champion);
    return figures.interval.map((end) => (-sign * end) / unit);
  }

  function statusesUnder(verdict, statuses, groups, margins) {
    const found = [...statuses];
    for (const group of groups) {
      const margin = margins.get(group.name);
      if (margin === undefined) continue;
      for (const { place, outcome, figures } of group.members) {
        found[place] = criteria.statusOf(outcome, figures, inUnit(outcome, margin) + 1e-12);
      }
    }
    return found;
  }

  // From which margin of one group on which decision holds, the other groups as they stand: [{from, decision}].
  function stretches(verdict, statuses, groups, margins, group) {
    const turns = [scaleOf(group).least, ...group.members.flatMap(turnsOf)].sort((one, other) => one - other);
    const found = [];
    const add = (from, margin) => {
      const under = statusesUnder(verdict, statuses, groups, new Map([...margins, [group.name, margin]]));
      const decision = criteria.decide(verdict.criteria, under);
      if (!found.length || found[found.length - 1].decision !== decision) found.push({ from, decision });
    };
    turns.forEach((turn, place) => {
      add(turn, turn);
      const next = turns[place + 1];
      add(turn, next === undefined ? turn + Math.abs(turn) + 1e-6 : (turn + next) / 2);
    });
    return found;
  }

  const format = (value, isRelative) =>
    `${Number((isRelative ? 100 * value : value).toPrecision(3))}`.replace("-", "\u2212") + (isRelative ? " %" : "");

  function sentence(found, isRelative) {
    if (found.length === 1) return `The decision is ${DECISIONS[found[0].decision]} whatever this margin is.`;
    const told = found.map(({ from, decision }, place) => {
      const until = found[place + 1];
      if (place === 0) return `${DECISIONS[decision]} below ${format(until.from, isRelative)}`;
      return until ? `${DECISIONS[decision]} from there to ${format(until.from, isRelative)}` : `${DECISIONS[decision]} from ${format(from, isRelative)} on`;
    });
    return `The decision: ${told.join(", ")}.`;
  }

  function scaleOf(group) {
    const turns = group.members.flatMap(turnsOf);
    const most = Math.max(2 * group.declared, 1.2 * Math.max(...turns), 1e-4);
    const least = Math.min(0, 1.2 * Math.min(...turns));
    const step = 10 ** Math.floor(Math.log10((most - least) / 100));
    return { least: Math.floor(least / step) * step, most: Math.ceil(most / step) * step, step };
  }

  function statusCounts(statuses, group) {
    const counts = {};
    for (const { place } of group.members) counts[statuses[place]] = (counts[statuses[place]] || 0) + 1;
    return Object.entries(counts).map(([status, count]) => `${count} ${status.replace("_", " ")}`).join(", ");
  }

  // Fills `box` with a slider for each group; `make` makes elements.
  function draw(box, verdict, outcomes, make) {
    const statuses = outcomes.map((found) => found.status);
    const groups = groupsOf(verdict, outcomes);
    if (!groups.length) {
      box.append(make("p", {}, "No criterion with a margin to the champion was judged."));
      return;
    }
    const margins = new Map();
    const told = make("p", { role: "status", class: "judge-told" });
    const drawn = groups.map((group, place) => drawGroup(group, place, make));
    const update = () => {
      const under = statusesUnder(verdict, statuses, groups, margins);
      const decision = criteria.decide(verdict.criteria, under);
      const moved = groups.filter((group) => margins.has(group.name)).map((group) => group.name);
      const where = moved.length ? `With ${moved.join(", ")} moved` : "As declared";
      told.textContent = `${where}: ${DECISIONS[decision]}${decision === verdict.decision ? "" : `, where the verdict is ${DECISIONS[verdict.decision]}`}.`;
      told.className = `judge-told ${decision}`;
      drawn.forEach(({ slider, output, turns, strip }, place) => {
        const group = groups[place];
        const margin = margins.has(group.name) ? margins.get(group.name) : group.declared;
        const count = statusCounts(under, group);
        output.textContent = `${format(margin, group.isRelative)}: ${count}`;
        slider.setAttribute("aria-valuetext", `${format(margin, group.isRelative)}, ${count}, decision ${DECISIONS[decision]}`);
        const found = stretches(verdict, statuses, groups, margins, group);
        turns.textContent = group.members.some(({ outcome }) => outcome.is_critical)
          ? sentence(found, group.isRelative)
          : "Not critical: it is told and never decides.";
        strip.replaceChildren(...segments(found, Number(slider.min), Number(slider.max), make));
      });
    };
    drawn.forEach(({ slider }, place) => {
      slider.addEventListener("input", () => {
        margins.set(groups[place].name, Number(slider.value));
        update();
      });
    });
    const reset = make("button", { type: "button" }, "Back to what was declared");
    reset.addEventListener("click", () => {
      margins.clear();
      drawn.forEach(({ slider }, place) => (slider.value = groups[place].declared));
      update();
    });
    box.append(told, ...drawn.map(({ row }) => row), reset);
    update();
  }

  function drawGroup(group, place, make) {
    const { least, most, step } = scaleOf(group);
    const id = `judge-margin-${place}`;
    const slider = make("input", { type: "range", id, min: least, max: most, step, value: group.declared });
    const output = make("output", { for: id });
    const turns = make("small", { class: "judge-turns" });
    const strip = make("div", { class: "judge-strip", "aria-hidden": "true" });
    const kind = group.isRelative ? "margin, share of the champion's figure" : "margin";
    const label = make("label", { for: id }, make("b", {}, group.name), ` ${kind}, declared ${format(group.declared, group.isRelative)}`);
    return { slider, output, turns, strip, row: make("div", { class: "judge-slider" }, label, output, slider, strip, turns) };
  }

  function segments(found, least, most, make) {
    return found
      .filter(({ from }) => from < most)
      .map(({ from, decision }, place, shown) => {
        const until = place + 1 < shown.length ? shown[place + 1].from : most;
        const segment = make("span", { class: decision });
        segment.style.width = `${(100 * (until - Math.max(from, least))) / (most - least)}%`;
        return segment;
      });
  }

  return { draw, groupsOf, stretches };
})();
