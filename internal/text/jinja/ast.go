package jinja

// An expr computes a value. A stmt writes to the output or changes a scope.
type (
	expr interface {
		eval(in *interp, sc *scope) (Value, error)
	}
	stmt interface {
		exec(in *interp, sc *scope) (control, error)
	}
)

// control says how a statement ended.
type control uint8

const (
	next control = iota
	breakLoop
	continueLoop
)

// Expressions.
type (
	constExpr struct{ v Value }
	nameExpr  struct{ name string }
	tupleExpr struct{ items []expr }
	listExpr  struct{ items []expr }
	dictExpr  struct{ keys, vals []expr }
	unaryExpr struct {
		op string
		x  expr
	}
	binaryExpr struct {
		op   string
		l, r expr
	}
	logicExpr struct { // and, or
		and  bool
		l, r expr
	}
	notExpr     struct{ x expr }
	concatExpr  struct{ parts []expr }
	compareExpr struct {
		first expr
		ops   []string
		rest  []expr
	}
	condExpr struct{ test, yes, no expr } // no may be nil
	attrExpr struct {
		x    expr
		name string
	}
	itemExpr  struct{ x, index expr }
	sliceExpr struct{ lo, hi, step expr } // each may be nil
	callExpr  struct {
		fn expr
		callArgs
		line int
	}
	filterExpr struct {
		x    expr // nil: the body of a filter block or a set block
		name string
		callArgs
	}
	testExpr struct {
		x    expr
		name string
		not  bool
		callArgs
	}
)

// callArgs are the arguments of a call, a filter or a test.
type callArgs struct {
	pos      []expr
	names    []string
	named    []expr
	star     expr // *args
	starStar expr // **kwargs
}

// Statements.
type (
	dataStmt  struct{ text string }
	printStmt struct {
		x    expr
		line int
	}
	ifStmt struct {
		tests  []expr
		bodies [][]stmt
		other  []stmt
		line   int
	}
	forStmt struct {
		target    target
		iter      expr
		test      expr // nil without a condition
		body      []stmt
		other     []stmt
		recursive bool
		line      int
	}
	setStmt struct {
		target target
		x      expr
		line   int
	}
	setBlockStmt struct {
		target target
		filter expr // may be nil
		body   []stmt
		line   int
	}
	macroStmt struct {
		name     string
		params   []string
		defaults []expr // of the last parameters
		body     []stmt
		varargs  bool // the body names varargs, kwargs, caller
		kwargs   bool
		caller   bool
	}
	callStmt struct {
		call *callExpr
		body *macroStmt
		line int
	}
	filterStmt struct {
		filter expr
		body   []stmt
		line   int
	}
	withStmt struct {
		targets []target
		values  []expr
		body    []stmt
		line    int
	}
	blockStmt struct {
		name     string
		body     []stmt
		scoped   bool
		required bool
		line     int
	}
	autoescapeStmt struct {
		on   expr
		body []stmt
		line int
	}
	groupStmt   struct{ body []stmt } // generation: its body as it is
	controlStmt struct{ c control }
	loadStmt    struct { // include, import, from, extends: fail when reached
		what string
		line int
	}
)

// target is what an assignment sets: a name, a tuple of targets, or an
// attribute of a namespace.
type target struct {
	name  string
	attr  string
	items []target
}
