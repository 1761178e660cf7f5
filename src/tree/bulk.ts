import type { ExecCommand, Item, ItemCommand } from '../protocol/message/message.ts';
import { formatLocUri, type LocUri, parseLocUri } from './loc-uri.ts';
import type { Path } from './management-object.ts';
import type { Tree } from './tree.ts';

/** Items that are executed at the same time. */
const MAX_ITEMS = 64;

/** Below which child of a bulk node an Item writes. */
interface Place {
  readonly bulk: Path;
  readonly child: string;
}

/**
 * The Items of a command in their order, those together that may be executed at the same time: Adds below different
 * children of one bulk node that is there. Their writes share commits: with one Item after the other a member of a group
 * took 13 ms, most of it waiting (2026-11-25, 2 cores, Node 20, `fanout`).
 */
export async function* itemsTogether(
  tree: Tree,
  command: ItemCommand | ExecCommand,
): AsyncGenerator<readonly Item[], void> {
  let together: Item[] = [];
  let bulk: string | undefined;
  const children = new Set<string>();
  for (const item of command.items) {
    const place = command.kind === 'Add' ? placeOf(tree, item) : undefined;
    const at = place && formatLocUri(place.bulk);
    const fits = place && at === bulk && !children.has(place.child) && together.length < MAX_ITEMS;
    if (!fits) {
      if (together.length > 0) yield together;
      together = [];
      children.clear();
      // Else the first of them makes it.
      bulk = place && (await tree.find(place.bulk)) ? at : undefined;
    }
    if (place && bulk !== undefined) {
      together.push(item);
      children.add(place.child);
    } else {
      yield [item];
    }
  }
  if (together.length > 0) yield together;
}

function placeOf(tree: Tree, { target }: Item): Place | undefined {
  const path = pathOf(target?.locUri ?? '', tree);
  const at = path && tree.objectAt(path);
  if (!at?.object.isBulk) return undefined;
  for (let depth = 0; depth < at.path.length; depth += 1) {
    const child = at.path[depth];
    if (child === undefined || !at.object.isBulk(at.path.slice(0, depth))) continue;
    return { bulk: [...at.object.root, ...at.path.slice(0, depth)], child };
  }
  return undefined;
}

/** Undefined: a command on it is refused, or is about a property. */
function pathOf(locUri: string, { uriLimits }: Tree): Path | undefined {
  let parsed: LocUri;
  try {
    parsed = parseLocUri(locUri, uriLimits);
  } catch {
    return undefined;
  }
  return parsed.query ? undefined : parsed.path;
}
