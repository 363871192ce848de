// Package library knows the models on this machine and keeps the ones in use
// loaded.
//
// A [Manager] has a list of [Source]s: files named on the command line, the
// files of a folder, the model inside the program. Acquire loads one on demand
// and returns a [Lease]; many may hold leases on the same model. Loads happen
// one at a time, and requests that wait for the same model share its load. A
// model that nobody uses stays for a while (keep-alive), and is evicted earlier
// when another one needs its memory: the least recently used first, one in use
// never.
//
// Names are looked up in a list, never joined to a path.
package library
