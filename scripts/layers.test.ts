import { expect, test } from 'vitest';
import { checkLayers, codeOnly, cycles, importsOf } from './layers.ts';

const check = (files: Record<string, string>): string[] => checkLayers(new Map(Object.entries(files)));

test('may a folder import from one that stands before it?', () => {
  expect(
    check({
      'src/hardware/cpu.ts': 'export const cpu = 1;',
      'src/kernel/fault.ts': "import { cpu } from '../hardware/cpu.ts';",
      'src/cli/main.ts': "import { readFileSync } from 'node:fs';\nimport { x } from '../kernel/fault.ts';",
    }),
  ).toEqual([]);
});

test('is an import from a higher folder named with its line?', () => {
  expect(check({ 'src/kernel/a.ts': "\nimport {\n  m,\n} from '../machine/m.ts';" })).toEqual([
    'src/kernel/a.ts:2: imports machine/, which stands above kernel/',
  ]);
});

test('do a type-only, a dynamic and a re-exporting import count too?', () => {
  const faults = check({
    'src/hardware/a.ts':
      "import type { K } from '../kernel/k.ts';\nexport * from '../cli/c.ts';\nawait import('../program/p.ts');",
  });
  expect(faults).toHaveLength(3);
});

test('is the viewer kept apart in both directions?', () => {
  expect(check({ 'src/cli/a.ts': "import { v } from '../web/v.ts';" })).toHaveLength(1);
  expect(check({ 'src/web/v.ts': "import { c } from '../cli/a.ts';\nimport '../machine/m.ts';" })).toEqual([
    'src/web/v.ts:1: imports cli/, but web/ uses only what runs in a browser',
  ]);
});

test('may the machine use Node, a package, the clock, chance, the console or BigInt?', () => {
  const machine = (line: string): string[] => check({ 'src/machine/a.ts': line });
  for (const line of [
    "import { readFileSync } from 'node:fs';",
    "import fc from 'fast-check';",
    'const t = Date.now();',
    'const t = performance.now();',
    'const r = Math.random();',
    "console.log('x');",
    'const b = BigInt(1);',
    'const b = 1n;',
    'const b = Buffer.alloc(1);',
  ]) {
    expect(machine(line), line).toHaveLength(1);
  }
  expect(check({ 'src/host/a.ts': "import { readFileSync } from 'node:fs'; console.log(Date.now());" })).toEqual([]);
});

test('are comments and strings left alone?', () => {
  expect(codeOnly("const a = 'Date.now()'; // console.log\n/* 1n */ const b = 2;")).not.toMatch(/Date|console|1n/);
  expect(check({ 'src/kernel/a.ts': "// as Math.random would\nconst s = 'console';" })).toEqual([]);
  expect(importsOf("/* import { a } from './a.ts'; */\n// import './b.ts';")).toEqual([]);
});

test('is a circle of run-time imports found, and one of types allowed?', () => {
  const b = { 'src/kernel/b.ts': "import { a } from './a.ts';" };
  expect(check({ 'src/kernel/a.ts': "import { b } from './b.ts';", ...b })).toEqual([
    'src/kernel/a.ts: imports itself in a circle: src/kernel/a.ts -> src/kernel/b.ts -> src/kernel/a.ts',
  ]);
  expect(check({ 'src/kernel/a.ts': "import type { b } from './b.ts';", ...b })).toEqual([]);
});

test('does a module on two paths make a circle?', () => {
  const diamond = new Map([
    ['a', ['b', 'c']],
    ['b', ['d']],
    ['c', ['d']],
    ['d', []],
  ]);
  expect(cycles(diamond)).toEqual([]);
});

test('is a folder that the design does not have refused?', () => {
  expect(check({ 'src/utils/a.ts': '' })).toHaveLength(1);
});

test('may tests import what they need?', () => {
  expect(check({ 'src/kernel/a.test.ts': "import { test } from 'vitest';\nimport '../machine/m.ts';" })).toEqual([]);
});

test('may anything but tests import what is for tests only?', () => {
  const helper = { 'src/kernel/testing/fake.ts': "import fc from 'fast-check';\nconst b = 1n;" };
  expect(check({ ...helper, 'src/kernel/a.test.ts': "import './testing/fake.ts';" })).toEqual([]);
  expect(check({ ...helper, 'src/kernel/a.ts': "import './testing/fake.ts';" })).toEqual([
    "src/kernel/a.ts:1: imports './testing/fake.ts', which is for tests only",
  ]);
});
