import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { accountLineSchema } from '../store/account-line.ts';
import { commandText, correlator, groupInput, nodeRef } from './shapes.ts';

const BAD_TEXTS = ['', 'a\u0000b', 'a\u0001b', 'a\nb', 'a\u007fb', 'a\u0085b', 'a\ufffeb', 'a\ud800b'];
const ACCOUNT = { deviceId: 'urn:dev:1', userName: 'u', secret: '', serverId: 's', serverSecret: '' };

function takes(schema: z.ZodType, value: unknown): boolean {
  return schema.safeParse(value).success;
}

describe('what the API takes', () => {
  it('api: refuses names that no message can hold', () => {
    for (const text of BAD_TEXTS) {
      expect([text, takes(correlator, text)]).toEqual([text, false]);
      expect([text, takes(groupInput, { group: text })]).toEqual([text, false]);
      expect([text, takes(groupInput, { group: 'g', members: ['a', text] })]).toEqual([text, false]);
      expect([text, takes(nodeRef, text)]).toEqual([text, false]);
      for (const key of ['deviceId', 'userName', 'serverId']) {
        expect([text, takes(accountLineSchema, { ...ACCOUNT, [key]: text })]).toEqual([text, false]);
      }
    }
    expect(takes(commandText, '<Get>\u0001</Get>')).toBe(false);
  });

  it('api: takes every other name', () => {
    for (const text of ['urn:dev:1', 'größe & <more>', '😀', 'c-1 of 2']) {
      expect([text, takes(correlator, text)]).toEqual([text, true]);
      expect([text, takes(groupInput, { group: text, members: [text] })]).toEqual([text, true]);
    }
    expect(takes(accountLineSchema, ACCOUNT)).toBe(true);
    expect(takes(commandText, '<Get>\r\n\t</Get>')).toBe(true);
  });

  it('api: takes as a group only what a node can be called', () => {
    for (const group of ['a/b', '/', 'a?list=TNDS', '.', '..', ' a', 'a ', 'x'.repeat(201)]) {
      expect([group, takes(groupInput, { group })]).toEqual([group, false]);
    }
  });

  it('api: takes a group of a gateway by its name or its LocURI', () => {
    for (const ref of ['meters', './GwConfig/DeviceGroups/meters', '/GwConfig/DeviceGroups/meters']) {
      expect([ref, takes(nodeRef, ref)]).toEqual([ref, true]);
    }
    for (const ref of ['./', './a//b', './a/../b', './a?prop=ACL', './a/']) {
      expect([ref, takes(nodeRef, ref)]).toEqual([ref, false]);
    }
  });

  it('api: refuses a user name with a colon', () => {
    expect(takes(accountLineSchema, { ...ACCOUNT, userName: 'a:b' })).toBe(false);
  });
});
