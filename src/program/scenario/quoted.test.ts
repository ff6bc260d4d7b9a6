import { expect, test } from 'vitest';
import { parseScenario } from './parser.ts';
import { quoted } from './quoted.ts';
import { ScenarioError } from './scenario-error.ts';

test('is a word repeated as it is, a long one by its beginning, and what cannot be printed by its number?', () => {
  expect(quoted('touch')).toBe('"touch"');
  expect(quoted('größe')).toBe('"größe"');
  expect(quoted('a'.repeat(60))).toBe(`"${'a'.repeat(60)}"`);
  expect(quoted('a'.repeat(5000))).toBe(`"${'a'.repeat(60)}..." (5000 characters)`);
  expect(quoted('\u0000\u001b[2J')).toBe('"\\u{0}\\u{1b}[2J"');
});

test('does a message stay short and printable, whatever a line is made of?', () => {
  const garbage = `\u0007${'x'.repeat(1 << 20)}`;
  for (const line of [garbage, `spawn ${garbage}`, `spawn A\nA ${garbage}`, `spawn A\nA mmap r len=${garbage}`]) {
    let message = '';
    try {
      parseScenario('s.txt', line);
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error;
      message = error.message;
    }
    expect(message).toMatch(/^s.txt:[12]: [\P{C}]+$/u);
    expect(message).toContain('characters)');
    expect(message.length).toBeLessThan(1500);
  }
});

test('is a number of calls that nobody waits for refused, and the largest possible one read?', () => {
  expect(() => parseScenario('s.txt', 'spawn A\nA read f n=100000001')).toThrow('at most 100000000 times are possible');
  expect(parseScenario('s.txt', 'spawn A\nA read f n=100000000').lines).toHaveLength(2);
});
