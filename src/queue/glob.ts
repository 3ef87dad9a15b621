// Matches glob patterns (`*`, `?`, `[...]`) against a whole text. Not by a regular expression,
// which takes exponential time on patterns such as `*a*a*a*b`.

type Token = "any" | ((char: string) => boolean);

/** A function that tells whether a whole text matches `pattern`. */
export function globMatcher(pattern: string): (text: string) => boolean {
  const tokens = tokensOf(pattern);
  return (text) => matches(tokens, [...text]);
}

function tokensOf(pattern: string): Token[] {
  const chars = [...pattern];
  const tokens: Token[] = [];
  for (let i = 0; i < chars.length; i++) {
    const char = chars[i]!;
    if (char === "*") tokens.push("any");
    else if (char === "?") tokens.push(() => true);
    else if (char === "[") {
      // As in every shell, a `]` right after the `[` or the `[!` is an ordinary character.
      const start = chars[i + 1] === "!" || chars[i + 1] === "^" ? i + 2 : i + 1;
      const end = chars.indexOf("]", start + 1);
      if (end === -1) tokens.push((c) => c === "[");
      else {
        const inside = setOf(chars.slice(start, end));
        tokens.push(start === i + 2 ? (c) => !inside(c) : inside);
        i = end;
      }
    } else tokens.push((c) => c === char);
  }
  return tokens;
}

function setOf(chars: string[]): (char: string) => boolean {
  const ranges: [string, string][] = [];
  for (let i = 0; i < chars.length; i++) {
    if (chars[i + 1] === "-" && i + 2 < chars.length) {
      ranges.push([chars[i]!, chars[i + 2]!]);
      i += 2;
    } else ranges.push([chars[i]!, chars[i]!]);
  }
  return (char) => ranges.some(([from, to]) => char >= from && char <= to);
}

function matches(tokens: Token[], text: string[]): boolean {
  let t = 0;
  let star = -1;
  let starAt = 0;
  let i = 0;
  while (i < text.length) {
    const token = tokens[t];
    if (token === "any") [star, starAt, t] = [t, i, t + 1];
    else if (token !== undefined && token(text[i]!)) [t, i] = [t + 1, i + 1];
    else if (star !== -1) [t, i] = [star + 1, starAt += 1]; // the last star takes one more
    else return false;
  }
  while (tokens[t] === "any") t += 1;
  return t === tokens.length;
}
