package jinja

// filterFunc is a filter: input|name(args).
type filterFunc func(r *run, input Value, a callArgs) (Value, error)

// filterByName returns a filter, nil where there is none of that name. The
// filters that call other filters and tests are kept out of the tables,
// which they read.
func filterByName(name string) filterFunc {
	switch name {
	case "map":
		return filterMap
	case "select":
		return selectFilter(false, true)
	case "reject":
		return selectFilter(false, false)
	case "selectattr":
		return selectFilter(true, true)
	case "rejectattr":
		return selectFilter(true, false)
	}
	if f, ok := textFilters[name]; ok {
		return f
	}
	return collectionFilters[name]
}

var textFilters = map[string]filterFunc{
	"capitalize":     textFilter("capitalize", capitalize),
	"center":         filterCenter,
	"e":              filterEscape,
	"escape":         filterEscape,
	"filesizeformat": filterFileSize,
	"float":          filterFloat,
	"forceescape":    filterForceEscape,
	"format":         filterFormat,
	"indent":         filterIndent,
	"int":            filterInt,
	"lower":          textFilter("lower", lower),
	"replace":        filterReplace,
	"round":          filterRound,
	"safe":           filterSafe,
	"string":         filterString,
	"title":          textFilter("title", titleFilter),
	"tojson":         filterToJSON,
	"trim":           filterTrim,
	"truncate":       filterTruncate,
	"upper":          textFilter("upper", upper),
	"urlencode":      filterURLEncode,
	"wordcount":      filterWordCount,
	"abs":            filterAbs,
}

var collectionFilters = map[string]filterFunc{
	"attr":     filterAttr,
	"batch":    filterBatch,
	"count":    filterLength,
	"d":        filterDefault,
	"default":  filterDefault,
	"dictsort": filterDictsort,
	"first":    filterFirst,
	"groupby":  filterGroupBy,
	"items":    filterItems,
	"join":     filterJoin,
	"last":     filterLast,
	"length":   filterLength,
	"list":     filterList,
	"max":      extremeFilter("max", ">"),
	"min":      extremeFilter("min", "<"),
	"reverse":  filterReverse,
	"slice":    filterSlice,
	"sort":     filterSort,
	"sum":      filterSum,
	"unique":   filterUnique,
}
