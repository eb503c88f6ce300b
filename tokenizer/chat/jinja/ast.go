package jinja

// expr is an expression; eval computes it in a frame. Nodes never change once
// a template is parsed, so that renders may share them.
type expr interface {
	eval(r *run, f *frame) (Value, error)
	line() int
}

// stmt is a statement; exec writes its output to the run.
type stmt interface {
	exec(r *run, f *frame) (flow, error)
}

// flow tells a loop how its body ended.
type flow uint8

const (
	flowNext flow = iota
	flowBreak
	flowContinue
)

type at int // the line a node is on

func (a at) line() int { return int(a) }

type (
	constExpr struct {
		at
		value Value
	}
	// nameExpr reads a variable: slot of the frame that lies depth frames out.
	nameExpr struct {
		at
		name        string
		depth, slot int
	}
	// nsRefExpr is a.b where it is assigned to; it never is evaluated.
	nsRefExpr struct {
		at
		name, attr string
	}
	tupleExpr struct {
		at
		items []expr
	}
	listExpr struct {
		at
		items []expr
	}
	dictExpr struct {
		at
		keys, values []expr
	}
	getattrExpr struct {
		at
		object expr
		name   string
	}
	getitemExpr struct {
		at
		object, index expr
	}
	sliceExpr struct {
		at
		start, stop, step expr // nil where left out
	}
	callExpr struct {
		at
		fn   expr
		args arguments
	}
	// filterExpr is input|name(args); input is nil for the text of a filter
	// block or block assignment.
	filterExpr struct {
		at
		input expr
		name  string
		args  arguments
	}
	testExpr struct {
		at
		input expr
		name  string
		args  arguments
	}
	unaryExpr struct {
		at
		op      byte // '-', '+', '!'
		operand expr
	}
	binaryExpr struct {
		at
		op          string
		left, right expr
	}
	andExpr struct {
		at
		left, right expr
	}
	orExpr struct {
		at
		left, right expr
	}
	compareExpr struct {
		at
		first expr
		ops   []string
		rest  []expr
	}
	concatExpr struct {
		at
		parts []expr
	}
	condExpr struct {
		at
		test, yes, no expr // no is nil where left out
	}
)

// arguments are those of a call as written.
type arguments struct {
	positional []expr
	names      []string
	named      []expr
	dynArgs    expr // *args
	dynKwargs  expr // **kwargs
}

// target is what an assignment or a for loop stores in.
type target interface {
	store(r *run, f *frame, v Value) error
}

type (
	nameTarget struct {
		at
		name string
		slot int
	}
	nsTarget struct {
		at
		name, attr  string
		depth, slot int
	}
	tupleTarget struct {
		at
		items []target
	}
)

type (
	outputStmt struct {
		parts []expr
	}
	assignStmt struct {
		at
		to    target
		value expr
	}
	assignBlockStmt struct {
		at
		to     target
		filter expr // nil without one
		body   []stmt
		scope  *scope
	}
	ifStmt struct {
		at
		tests     []expr // if, elif, elif ...
		bodies    [][]stmt
		otherwise []stmt
	}
	forStmt struct {
		at
		to         target
		testTarget target // to, in the test's own scope
		iter       expr
		test       expr
		body       []stmt
		otherwise  []stmt
		recursive  bool
		extended   bool // the body uses loop
		loopSlot   int
		scope      *scope
		testScope  *scope
		elseScope  *scope
	}
	// macroDef is the function that a macro, a call block or a generation
	// block defines.
	macroDef struct {
		at
		name       string
		params     []string
		defaults   []expr // for the last parameters
		body       []stmt
		slots      []int // of params, then caller, kwargs, varargs if used
		caller     bool
		kwargs     bool
		varargs    bool
		scope      *scope
		generation bool
	}
	macroStmt struct {
		at
		def  *macroDef
		slot int
	}
	callBlockStmt struct {
		at
		call *callExpr
		def  *macroDef
	}
	generationStmt struct {
		at
		def *macroDef
	}
	filterBlockStmt struct {
		at
		filter expr
		body   []stmt
		scope  *scope
	}
	withStmt struct {
		at
		targets []target
		values  []expr
		body    []stmt
		scope   *scope
	}
	loopControlStmt struct {
		at
		flow flow
	}
)
