// Package snippets runs the code in docs/clients: what is shown there must work
// as it stands when it is pasted.
//
// Every block marked python, ts, js or go is cut out of its document and run
// against the server at HOLDFAST_URL. One thing in the text is replaced: the
// address http://127.0.0.1:11435 by the server's, which listens on another port.
// The names of models stay, since the server has the starter, and the names that
// DeepSeek's clients use stand for it. A snippet passes if it ends without an
// error and has printed an answer.
//
//   - Python runs with the interpreter HOLDFAST_PYTHON.
//   - TypeScript and JavaScript run with node, as a module in the folder
//     HOLDFAST_NODE, where the packages are. Snippets use nothing of TypeScript
//     that JavaScript lacks.
//   - Go is not shown as a whole program: the imports of clients come first, the
//     rest becomes the body of main, which has a ctx; packages of the standard
//     library that it names are imported.
//
// Blocks marked sh are run elsewhere: by the tests of internal/server, against a
// server of the same process. Those of other programs, such as Codex, are not
// run.
//
// `bash test/conformance/run snippets` sets all of this up.
package snippets
