import { counted, type KeptProperties, type PropertyMap } from './kept-properties.ts';
import type { Path } from './management-object.ts';
import { StagedNodeMap } from './staged-node-map.ts';

/** Changes of properties that wait until they are committed. */
export class StagedProperties extends StagedNodeMap<KeptProperties> implements PropertyMap {
  async count(path: Path, at: number): Promise<void> {
    this.set(path, counted(await this.get(path), at));
  }
}
