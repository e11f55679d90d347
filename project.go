package penstock

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/penstock-data/penstock/internal/faults"
	"github.com/penstock-data/penstock/internal/host"
	"github.com/penstock-data/penstock/internal/publish"
	"github.com/penstock-data/penstock/internal/store"
	"github.com/penstock-data/penstock/lineage/audit"
	"github.com/penstock-data/penstock/lineage/openlineage"
	"github.com/penstock-data/penstock/pipeline"
)

// StateDir is the directory below a project's root that holds its state: the index
// of runs, the records of runs, and temporary files.
const StateDir = ".penstock"

// Options of a project. The zero value means the defaults.
type Options struct {
	// Workers is the number of units of work carried at once; 0: one a processor.
	Workers int
	// ForceScan has gates look at every row, whatever is known without.
	ForceScan bool
	// ShowValues lets messages and records show values of rows that failed.
	ShowValues bool
	// WarnError lets nothing pass that would only warn: it blocks.
	WarnError bool
	// Memory is the budget of a run in bytes; 0: half of what the machine, or the
	// control group, has.
	Memory int64
	// Keep is the number of earlier versions kept of each partition; 0: two.
	// A negative number keeps none.
	Keep int
	// HoldFor is how long a version that a gate blocked is held for Approve; 0: seven days.
	// A negative time holds none.
	HoldFor time.Duration
	// FourEyes refuses the approval of who made the version. Names are as Actor says: whoever
	// may write to the project's files may write any.
	FourEyes bool
	// Actor is who runs this; empty: $PENSTOCK_ACTOR or the user's name.
	Actor string
	// Command is the command line, for the record.
	Command []string
	// Listener is told what runs do.
	Listener *pipeline.Listener
	// SigningKey is a PEM file with the private key that signs what is put on record; empty:
	// nothing is signed.
	SigningKey string
	// AuditSigned demands that whatever is put on record is signed: without a SigningKey nothing
	// is run. AuditKeys are PEM files, relative to the project, with the public keys that the
	// record is verified with.
	AuditSigned bool
	AuditKeys   []string
	// NightTold is called after a run of a pipeline with a night, when its reports were written and
	// who is to know was told, or not. A backfill may call it for several at once.
	NightTold func(NightTold)
	// OpenLineage is where what runs do is told; nil: nowhere.
	OpenLineage *openlineage.Config
	// Anew moves an index that can't be used away, and begins a new one: for Rebuild.
	Anew bool
}

// Project is a directory with pipelines, their datasets and their state. It is
// safe for concurrent use; two runs of one partition at once are refused.
type Project struct {
	dir     string
	opts    Options
	fs      faults.FS
	clock   faults.Clock
	ids     *faults.IDs
	publish *publish.Store
	store   *store.Store
	audit   *audit.Log
	noKey   error // why the signing key can't be used; nil where none is asked for
	git     *checkout
	scraps  *scraps
	recent  *recent
	texts   *sync.Map // of pipeline files, by their SHA-256: those that are known to be kept
	teller  *teller
	hashes  *hashes
	sleep   func(context.Context, time.Duration) error
	dial    func(ctx context.Context, network, address string) (net.Conn, error) // of webhooks; nil: the system's
	writing *sync.Mutex // of reports of nights: several may go to one file
	// backfill is the id of the one that runs are part of.
	backfill string
}

// Open opens the project at dir, making its state directory if there is none, and
// clears up after runs whose process has died.
func Open(ctx context.Context, dir string, o Options) (*Project, error) {
	return open(ctx, dir, o, faults.OS())
}

// open is Open on a file system: datasets and records of runs are on it, the index is not.
func open(ctx context.Context, dir string, o Options, fsys faults.FS) (*Project, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	p := &Project{dir: abs, opts: o.withDefaults(), fs: fsys, clock: faults.SystemClock(), sleep: faults.Sleep}
	p.ids, p.git, p.scraps, p.recent = faults.NewIDs(p.clock), &checkout{}, &scraps{}, &recent{}
	p.texts, p.writing = &sync.Map{}, &sync.Mutex{}
	p.hashes = &hashes{now: p.clock.Now}
	p.publish = &publish.Store{FS: p.fs, Clock: p.clock, Root: abs, Keep: max(p.opts.Keep, 0), HoldFor: p.opts.HoldFor, FourEyes: p.opts.FourEyes}
	p.openAudit()
	p.teller = newTeller(p, p.opts.OpenLineage)
	if err := p.makeState(); err != nil {
		return nil, err
	}
	if p.store, err = p.openIndex(ctx); err != nil {
		return nil, err
	}
	if p.maySign() == nil { // else who may puts on record what the dead did
		err = p.bury(ctx)
	}
	if err := errors.Join(err, p.catchUp(ctx), p.sweep(ctx)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// openIndex opens the index. One that can't be used is an error, or moved away.
func (p *Project) openIndex(ctx context.Context) (*store.Store, error) {
	s, err := store.Open(ctx, p.state())
	if err == nil || !p.opts.Anew || ctx.Err() != nil {
		return s, err
	}
	if merr := store.MoveAway(p.state()); merr != nil {
		return nil, errors.Join(err, merr)
	}
	return store.Open(ctx, p.state())
}

func (o Options) withDefaults() Options {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Memory <= 0 {
		o.Memory = host.Memory() / 2
	}
	if o.Keep == 0 {
		o.Keep = 2
	}
	if o.HoldFor == 0 {
		o.HoldFor = 7 * 24 * time.Hour
	}
	if o.Actor == "" {
		o.Actor = host.Actor()
	}
	return o
}

func (p *Project) makeState() error {
	for _, dir := range []string{p.state("runs"), p.state("backfills"), p.state("live"), p.state("tmp"), p.state("code")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return &pipeline.Error{
				Kind: pipeline.IO, Msg: "can't make the state directory: " + err.Error(), Err: err,
				Evidence: []string{"penstock keeps what it remembers in " + p.state()},
			}
		}
	}
	ignore := p.state(".gitignore")
	if _, err := os.Stat(ignore); errors.Is(err, os.ErrNotExist) {
		return os.WriteFile(ignore, []byte("*\n"), 0o644)
	}
	return nil
}

// state is the path of something in the state directory.
func (p *Project) state(elem ...string) string {
	return filepath.Join(append([]string{p.dir, StateDir}, elem...)...)
}

// Dir is the absolute path of the project's root.
func (p *Project) Dir() string { return p.dir }

// Close closes the project's index, when OpenLineage was told what it could be in a short time.
func (p *Project) Close() error {
	p.teller.close()
	return p.store.Close()
}

// Version is the version of this build of Penstock, as its module says.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == modulePath {
			return dep.Version
		}
	}
	if info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

const modulePath = "github.com/penstock-data/penstock"
