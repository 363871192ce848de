// Package grammar makes a model write only what a grammar allows: JSON that
// follows a schema, one of a few words, a call in a model's own tool markup.
//
// A [Grammar] comes from a JSON Schema, from GBNF text, from a regular
// expression or from a list of tools, and grammars are put together by
// [Concat], [OneOf], [Optional] and [Repeat]. It is compiled to a pushdown
// automaton over bytes: states with byte edges, and calls of rules that return
// to where they were called from, so that recursion needs a stack and nothing
// else. Counted repetitions ("at most 4,000 characters") are counters on that
// stack, not copies of states.
//
// A [Vocabulary] holds the bytes of a model's tokens as a trie. A [Matcher]
// follows one answer: its state is a set of stacks, since a grammar may be
// ambiguous. To say which tokens may come next it walks the trie and the
// automaton side by side and leaves a whole subtree where the automaton dies.
// Three things make that cheap:
//
//   - sets of stacks are numbered, and a transition from one to another by a
//     byte is looked up in a table after the first time;
//   - what a state at the top of a stack allows without looking below is
//     computed once for a grammar and a vocabulary and shared by all matchers;
//     only tokens that leave the rule are checked against the stack at hand;
//   - inside JSON strings most tokens are plain text: the vocabulary knows them
//     by their length in characters, and only the others are walked.
//
// Special tokens are no text. A grammar names those that it wants, such as the
// one that opens a call; all others, and ends of generation where the grammar
// may not end, are never allowed.
package grammar
