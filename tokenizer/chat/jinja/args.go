package jinja

// Readers of bound arguments. A missing argument gives the default; a wrong
// type gives Python's TypeError, or the undefined value's own error.

func wrongType(v Value, want string) error {
	if v.kind == KindUndefined {
		return v.undefinedErr()
	}
	return fail(typeError, "expected %s, got %s", want, typeName(v))
}

func strArg(v Value, def string) (string, error) {
	switch v.kind {
	case kindMissing:
		return def, nil
	case KindString:
		return v.str, nil
	}
	return "", wrongType(v, "str")
}

// optStrArg lets None mean that nothing was given.
func optStrArg(v Value) (s string, given bool, err error) {
	if v.kind == kindMissing || v.kind == KindNone {
		return "", false, nil
	}
	s, err = strArg(v, "")
	return s, true, err
}

func intArg(v Value, def int) (int, error) {
	if v.kind == kindMissing {
		return def, nil
	}
	return v.index()
}

// boolArg reads a flag; all of them are false by default.
func boolArg(v Value) bool { return v.kind != kindMissing && truth(v) }

// orElse returns v, or def where v was not given.
func orElse(v, def Value) Value {
	if v.kind == kindMissing {
		return def
	}
	return v
}

func isGiven(v Value) bool { return v.kind != kindMissing && v.kind != KindNone }
