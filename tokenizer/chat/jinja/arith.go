package jinja

import (
	"math"
	"math/big"
	"strings"
)

// binary evaluates + - * / // % ** as Python does.
func (r *run) binary(op string, a, b Value) (Value, error) {
	if a.isNumber() && b.isNumber() {
		return arithmetic(op, a, b)
	}
	if v, done, err := r.sequenceOp(op, a, b); done || err != nil {
		return v, err
	}
	switch {
	case a.kind == KindUndefined:
		return Value{}, a.undefinedErr()
	case b.kind == KindUndefined:
		return Value{}, b.undefinedErr()
	case op == "+" && a.kind == KindString:
		return Value{}, fail(typeError, "can only concatenate str (not \"%s\") to str", typeName(b))
	case op == "+" && (a.kind == KindList || a.kind == KindTuple):
		return Value{}, fail(typeError, "can only concatenate %s (not \"%s\") to %s", typeName(a), typeName(b), typeName(a))
	case op == "*" && (isSequence(a) || isSequence(b)):
		other := b
		if !isSequence(a) {
			other = a
		}
		return Value{}, fail(typeError, "can't multiply sequence by non-int of type '%s'", typeName(other))
	}
	name := op
	if op == "**" {
		name = "** or pow()"
	}
	return Value{}, fail(typeError, "unsupported operand type(s) for %s: '%s' and '%s'", name, typeName(a), typeName(b))
}

func isSequence(v Value) bool {
	return v.kind == KindString || v.kind == KindList || v.kind == KindTuple
}

// sequenceOp handles operators of strings, lists and tuples.
func (r *run) sequenceOp(op string, a, b Value) (v Value, done bool, err error) {
	switch {
	case op == "+" && a.kind == KindString && b.kind == KindString:
		v, err = r.concatStrings(a, b)
	case op == "+" && a.kind == b.kind && (a.kind == KindList || a.kind == KindTuple):
		x, y := a.ref.(*list).items, b.ref.(*list).items
		if err := r.elements(len(x) + len(y)); err != nil {
			return Value{}, true, err
		}
		items := append(append(make([]Value, 0, len(x)+len(y)), x...), y...)
		v = Value{kind: a.kind, ref: &list{items}}
	case op == "*" && isSequence(a) && b.isIntegral():
		v, err = r.repeat(a, b)
	case op == "*" && isSequence(b) && a.isIntegral():
		v, err = r.repeat(b, a)
	case op == "%" && a.kind == KindString:
		v, err = r.percentFormat(a, b)
	default:
		return Value{}, false, nil
	}
	return v, true, err
}

// concatStrings joins two strings; next to a Markup, plain text is escaped.
func (r *run) concatStrings(a, b Value) (Value, error) {
	x, y := a.str, b.str
	if a.markup != b.markup {
		if a.markup {
			y = escapeHTML(y)
		} else {
			x = escapeHTML(x)
		}
	}
	if err := r.text(len(x) + len(y)); err != nil {
		return Value{}, err
	}
	return Value{kind: KindString, markup: a.markup || b.markup, str: x + y}, nil
}

func (r *run) repeat(v, times Value) (Value, error) {
	n, err := times.index()
	if err != nil {
		return Value{}, err
	}
	n = max(n, 0)
	if v.kind == KindString {
		if n > 0 && len(v.str) > maxStringBytes/n {
			return Value{}, errTooLong()
		}
		if err := r.text(len(v.str) * n); err != nil {
			return Value{}, err
		}
		return Value{kind: KindString, markup: v.markup, str: strings.Repeat(v.str, n)}, nil
	}
	items := v.ref.(*list).items
	if n > 0 && len(items) > maxSteps/n {
		return Value{}, r.spend(maxSteps + 1)
	}
	if err := r.elements(len(items) * n); err != nil {
		return Value{}, err
	}
	out := make([]Value, 0, len(items)*n)
	if len(items) > 0 {
		for range n {
			out = append(out, items...)
		}
	}
	return Value{kind: v.kind, ref: &list{out}}, nil
}

// index is the int that a subscript or count needs.
func (v Value) index() (int, error) {
	switch {
	case !v.isIntegral():
		if v.kind == KindUndefined {
			return 0, v.undefinedErr()
		}
		return 0, fail(typeError, "'%s' object cannot be interpreted as an integer", typeName(v))
	case v.isBig():
		return 0, fail(overflowError, "cannot fit 'int' into an index-sized integer")
	}
	return int(v.int64()), nil
}

// negate evaluates unary - and +.
func negate(v Value, op byte) (Value, error) {
	switch {
	case v.kind == KindUndefined:
		return Value{}, v.undefinedErr()
	case v.kind == KindFloat && op == '-':
		return Float(-v.float()), nil
	case v.kind == KindFloat:
		return v, nil
	case v.isIntegral() && op == '-':
		return bigValue(new(big.Int).Neg(v.bigInt())), nil
	case v.isIntegral():
		return bigValue(v.bigInt()), nil
	}
	return Value{}, fail(typeError, "bad operand type for unary %c: '%s'", op, typeName(v))
}

func arithmetic(op string, a, b Value) (Value, error) {
	if a.kind == KindFloat || b.kind == KindFloat || op == "/" {
		if op == "/" && a.isIntegral() && b.isIntegral() {
			return divideInts(a, b)
		}
		x, err := a.toFloat()
		if err != nil {
			return Value{}, err
		}
		y, err := b.toFloat()
		if err != nil {
			return Value{}, err
		}
		return floatOp(op, x, y)
	}
	if !a.isBig() && !b.isBig() {
		if v, ok := smallOp(op, a.int64(), b.int64()); ok {
			return v, nil
		}
	}
	return bigOp(op, a.bigInt(), b.bigInt())
}

// smallOp computes where nothing can overflow.
func smallOp(op string, x, y int64) (Value, bool) {
	const half = 1 << 31
	small := x > -half && x < half && y > -half && y < half
	switch {
	case !small:
		return Value{}, false
	case op == "+":
		return int64Value(x + y), true
	case op == "-":
		return int64Value(x - y), true
	case op == "*":
		return int64Value(x * y), true
	case op == "//" && y != 0:
		q := x / y
		if x%y != 0 && (x < 0) != (y < 0) {
			q--
		}
		return int64Value(q), true
	case op == "%" && y != 0:
		m := x % y
		if m != 0 && (m < 0) != (y < 0) {
			m += y
		}
		return int64Value(m), true
	}
	return Value{}, false
}

func bigOp(op string, x, y *big.Int) (Value, error) {
	z := new(big.Int)
	switch op {
	case "+":
		z.Add(x, y)
	case "-":
		z.Sub(x, y)
	case "*":
		z.Mul(x, y)
	case "//", "%":
		if y.Sign() == 0 {
			if op == "//" {
				return Value{}, fail(zeroDivError, "integer division or modulo by zero")
			}
			return Value{}, fail(zeroDivError, "integer modulo by zero")
		}
		m := new(big.Int)
		z.DivMod(x, y, m) // Euclidean: the remainder is never negative
		if m.Sign() != 0 && y.Sign() < 0 {
			z.Sub(z, big.NewInt(1))
			m.Add(m, y)
		}
		if op == "%" {
			z = m
		}
	case "**":
		return powInts(x, y)
	}
	if z.BitLen() > maxIntBits {
		return Value{}, fail(limitError, "an int grows past %d bits", maxIntBits)
	}
	return bigValue(z), nil
}

func powInts(x, y *big.Int) (Value, error) {
	if y.Sign() < 0 {
		if x.Sign() == 0 {
			return Value{}, fail(zeroDivError, "0.0 cannot be raised to a negative power")
		}
		fx, err := bigValue(x).toFloat()
		if err != nil {
			return Value{}, err
		}
		fy, err := bigValue(y).toFloat()
		if err != nil {
			return Value{}, err
		}
		return floatOp("**", fx, fy)
	}
	if x.BitLen() > 1 && (!y.IsInt64() || int64(x.BitLen()-1)*y.Int64() > maxIntBits || y.Int64() > maxIntBits) {
		return Value{}, fail(limitError, "an int grows past %d bits", maxIntBits)
	}
	if x.BitLen() <= 1 { // -1, 0 or 1
		if y.BitLen() > 2 {
			y = new(big.Int).Add(big.NewInt(2), new(big.Int).And(y, big.NewInt(1)))
		}
	}
	return bigValue(new(big.Int).Exp(x, y, nil)), nil
}

// divideInts is true division, rounded once.
func divideInts(a, b Value) (Value, error) {
	if b.bigInt().Sign() == 0 {
		return Value{}, fail(zeroDivError, "division by zero")
	}
	f, _ := new(big.Rat).SetFrac(a.bigInt(), b.bigInt()).Float64()
	if math.IsInf(f, 0) {
		return Value{}, fail(overflowError, "integer division result too large for a float")
	}
	return Float(f), nil
}

func floatOp(op string, x, y float64) (Value, error) {
	switch op {
	case "+":
		return Float(x + y), nil
	case "-":
		return Float(x - y), nil
	case "*":
		return Float(x * y), nil
	case "**":
		return powFloats(x, y)
	}
	if y == 0 {
		switch op {
		case "//":
			return Value{}, fail(zeroDivError, "float floor division by zero")
		case "%":
			return Value{}, fail(zeroDivError, "float modulo")
		}
		return Value{}, fail(zeroDivError, "float division by zero")
	}
	if op == "/" {
		return Float(x / y), nil
	}
	quotient, remainder := floatDivMod(x, y)
	if op == "//" {
		return Float(quotient), nil
	}
	return Float(remainder), nil
}

// floatDivMod follows CPython's float_divmod: the remainder has the sign of y.
func floatDivMod(x, y float64) (quotient, remainder float64) {
	remainder = math.Mod(x, y)
	quotient = (x - remainder) / y
	if remainder != 0 {
		if (y < 0) != (remainder < 0) {
			remainder += y
			quotient--
		}
	} else {
		remainder = math.Copysign(0, y)
	}
	if quotient == 0 {
		return math.Copysign(0, x/y), remainder
	}
	floor := math.Floor(quotient)
	if quotient-floor > 0.5 {
		floor++
	}
	return floor, remainder
}

func powFloats(x, y float64) (Value, error) {
	if x == 0 && y < 0 {
		return Value{}, fail(zeroDivError, "0.0 cannot be raised to a negative power")
	}
	if x < 0 && y != math.Trunc(y) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return Value{}, fail(valueError, "a power that is a complex number is not supported")
	}
	f := math.Pow(x, y)
	if math.IsInf(f, 0) && !math.IsInf(x, 0) && !math.IsInf(y, 0) {
		return Value{}, fail(overflowError, "(34, 'Numerical result out of range')")
	}
	return Float(f), nil
}
