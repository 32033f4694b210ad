// Names over heads: text of the page, moved over the picture. Where two would overlap, the one that
// matters less goes up, and where there is no room at all, away.

const STEPS = 3;
const URGENCY = { LOST: 3, HOLD: 2, TAKEOVER: 1, LIVE: 0 };

export class Labels {
  constructor(parent) {
    this.parent = parent;
    this.pool = [];
  }

  // wanted: {text, state, point, thing}; project turns a point into [x, y, depth] or null.
  show(wanted, project) {
    const placed = wanted
      .map((one) => ({ ...one, at: project(one.point) }))
      .filter((one) => one.at)
      .sort((a, b) => (URGENCY[b.state] - URGENCY[a.state]) || a.thing - b.thing || a.at[2] - b.at[2]);
    const taken = [];
    let used = 0;
    for (const one of placed) {
      const label = this.label(used);
      if (label.textContent !== one.text) {
        label.textContent = one.text;
        label.wide = 0;
      }
      label.dataset.state = one.state;
      label.classList.toggle("thing", one.thing);
      label.hidden = false;
      label.wide ||= label.offsetWidth;
      const box = [one.at[0] - label.wide / 2, one.at[1] - 26, label.wide, 24];
      const covered = () => taken.some((other) => overlap(box, other));
      for (let step = 0; step < STEPS && covered(); step++) box[1] -= 27;
      if (covered()) {
        label.hidden = true;
        label.wide = 0;
        continue;
      }
      taken.push(box);
      label.style.transform = `translate(${box[0].toFixed(1)}px, ${box[1].toFixed(1)}px)`;
      used++;
    }
    for (let i = used; i < this.pool.length; i++) this.pool[i].hidden = true;
  }

  label(i) {
    if (!this.pool[i]) {
      this.pool[i] = document.createElement("div");
      this.pool[i].className = "label";
      this.parent.append(this.pool[i]);
    }
    return this.pool[i];
  }
}

function overlap(a, b) {
  return a[0] < b[0] + b[2] && b[0] < a[0] + a[2] && a[1] < b[1] + b[3] && b[1] < a[1] + a[3];
}
