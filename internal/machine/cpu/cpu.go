// Package cpu says what the processor can do and how much of it this process
// may use, and keeps the registry of kernel implementations: which exist, which
// run, and how a test runs each of them on one machine.
//
// Three parts, independent of each other:
//   - Has answers "can this machine run that tier", for the variables that a
//     kernel package hands to Register;
//   - Detect describes the machine for reports: names, features, caches, nodes;
//   - Usable says how many threads make sense here: affinity mask and cgroup
//     quota, not the number of processors in the box.
package cpu

// Has reports whether this machine has the instructions of a tier, whether or
// not any kernel uses them. The names are those of Register.
//
// A kernel package writes
//
//	var useAVX2 = cpu.Has("avx2")
//
//	func init() { cpu.Register("avx2", &useAVX2) }
func Has(tier string) bool { return has(tier) }
