package par

import "golang.org/x/sys/unix"

// Pin binds each worker but the first to one processor of the process's
// affinity mask, or lets them move again. It does so only if the team has as
// many workers as the mask has processors, more than one: a smaller team would
// keep the scheduler from moving it out of the way of others. It reports
// whether the workers are pinned now. Worker 0 is the caller's thread, which is
// not the team's to bind.
func (t *Team) Pin(on bool) bool {
	var mask unix.CPUSet
	if err := unix.SchedGetaffinity(0, &mask); err != nil || t.n == 1 || mask.Count() != t.n {
		return false
	}
	cpus := make([]int, 0, t.n)
	for i := 0; len(cpus) < t.n; i++ {
		if mask.IsSet(i) {
			cpus = append(cpus, i)
		}
	}
	ok := make([]bool, t.n)
	t.Run(func(w int) {
		set := mask
		if on {
			set.Zero()
			set.Set(cpus[w])
		}
		ok[w] = w == 0 || unix.SchedSetaffinity(0, &set) == nil
	})
	for _, pinned := range ok {
		on = on && pinned
	}
	return on
}
