package obs

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
)

// gauges reads what is true now when it is asked for, instead of keeping track.
type gauges struct {
	src Source

	running, waiting, usage, preempted, prefill, diskOff *prometheus.Desc
	loaded, memory, users, inFlight                      *prometheus.Desc
}

func newGauges(src Source) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
	}
	return &gauges{
		src:       src,
		running:   desc(nameRunning, "Requests that are computed now.", labelModel),
		waiting:   desc(nameWaiting, "Requests that wait.", labelModel),
		usage:     desc(nameCacheUsage, "Share of the cache's blocks that sequences use, 0 to 1.", labelModel),
		preempted: desc(namePreemptions, "Sequences that had to give their memory back.", labelModel),
		prefill:   desc(namePrefill, "Prompt tokens computed.", labelModel),
		diskOff:   desc(nameDiskOff, "1 where prompts are no longer kept on disk, after a failure that the log tells.", labelModel),
		loaded:    desc(nameModelLoaded, "1 for a model in memory.", labelModel),
		memory:    desc(nameModelMemory, "Memory that a model takes, with its cache.", labelModel),
		users:     desc(nameModelUsers, "Requests that hold a model.", labelModel),
		inFlight:  desc(nameHTTPInFlight, "HTTP requests that are answered now."),
	}
}

// Describe lists the gauges.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{g.running, g.waiting, g.usage, g.preempted, g.prefill, g.diskOff, g.loaded, g.memory, g.users, g.inFlight} {
		ch <- d
	}
}

// Collect reads them.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
	}
	if g.src.InFlight != nil {
		send(g.inFlight, prometheus.GaugeValue, float64(g.src.InFlight()))
	}
	if g.src.Models == nil {
		return
	}
	for _, i := range g.src.Models() {
		s := i.Stats
		send(g.running, prometheus.GaugeValue, float64(s.Running), i.Name)
		send(g.waiting, prometheus.GaugeValue, float64(s.Queued), i.Name)
		send(g.usage, prometheus.GaugeValue, share(s.Cache), i.Name)
		send(g.preempted, prometheus.CounterValue, float64(s.Preemptions), i.Name)
		send(g.prefill, prometheus.CounterValue, float64(s.PrefillTokens), i.Name)
		send(g.diskOff, prometheus.GaugeValue, bit(s.Disk.Off), i.Name)
		send(g.loaded, prometheus.GaugeValue, 1, i.Name)
		send(g.memory, prometheus.GaugeValue, float64(i.Memory), i.Name)
		send(g.users, prometheus.GaugeValue, float64(i.Users), i.Name)
	}
}

func bit(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// share returns how much of the cache is in use.
func share(s kvcache.Stats) float64 {
	if s.Blocks == 0 {
		return 0
	}
	return float64(s.Used) / float64(s.Blocks)
}
