// Package mem hands out memory that the Go runtime does not manage: arenas for
// weights and caches, read-only mappings of files, and a statement of how much
// memory this process may use.
//
// Gigabytes of weights do not belong on the Go heap: the collector would count
// them against its goal and let the heap grow by as much again, and it cannot
// ask the kernel for huge pages. An Arena is one anonymous mapping, cut into
// slices that are never returned one by one.
//
// # Lifetimes
//
// A slice of an arena or of a mapping does not keep its memory alive, because
// the collector does not know it. The owner calls Free (or the unmap function)
// once, after every goroutine that could touch the slices has stopped. Touching
// one afterwards is a fault that ends the process, which is better than reading
// somebody else's data; it cannot be recovered. There is no finalizer on
// purpose: an arena that is unreachable while its slices are in use is normal.
//
// Every platform that the project builds for is little-endian, and the views
// below (Float32s and its like) rely on that.
package mem
