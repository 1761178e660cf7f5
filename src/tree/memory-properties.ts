import { counted, type KeptProperties, type PropertyMap } from './kept-properties.ts';
import type { Path } from './management-object.ts';
import { MemoryNodeMap } from './node-map.ts';

/** Properties of nodes in memory. */
export class MemoryProperties extends MemoryNodeMap<KeptProperties> implements PropertyMap {
  count(path: Path, at: number): void {
    this.set(path, counted(this.get(path), at));
  }
}
