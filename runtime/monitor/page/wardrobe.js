// Skeletons and bodies of the stage, fetched once each.

import { mesh } from "./blocks.js";

const AGAIN_MS = 400;

export class Wardrobe {
  constructor(made) {
    this.made = made; // called with (key, mesh) when a body has come
    this.skeletons = new Map();
    this.asked = new Set();
  }

  // The skeleton, or undefined until it has come; its body is fetched after it.
  skeleton(key) {
    if (!this.asked.has(key)) {
      this.asked.add(key);
      this.fetchSkeleton(key);
    }
    return this.skeletons.get(key);
  }

  async fetchSkeleton(key) {
    const answer = await asked(`skeleton/${key}`);
    if (answer?.ok) {
      this.skeletons.set(key, await answer.json());
      this.fetchBody(key);
    } else setTimeout(() => this.fetchSkeleton(key), AGAIN_MS);
  }

  // 404 says that there will be none: its bones are drawn.
  async fetchBody(key) {
    const answer = await asked(`mesh/${key}`);
    if (answer?.ok) this.made(key, mesh(await answer.arrayBuffer()));
    else if (answer?.status !== 404) setTimeout(() => this.fetchBody(key), AGAIN_MS);
  }
}

async function asked(path) {
  try {
    return await fetch(path);
  } catch {
    return null;
  }
}
