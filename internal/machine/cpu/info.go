package cpu

// Info describes the machine for reports. Zero and empty mean "not known".
type Info struct {
	Vendor   string   // "AuthenticAMD", "GenuineIntel", ...
	Model    string   // marketing name
	Physical int      // cores
	Logical  int      // hardware threads
	Features []string // of those that a kernel could use, the ones present
	L1D      int      // bytes of data cache of one core
	L2       int      // bytes of one second-level cache
	L3       int      // bytes of one third-level cache
	Nodes    int      // NUMA nodes, at least 1
}

type feature struct {
	name string
	ok   bool
}

func present(all []feature) []string {
	var names []string
	for _, f := range all {
		if f.ok {
			names = append(names, f.name)
		}
	}
	return names
}
