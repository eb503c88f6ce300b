package page

import "html/template"

// Stage is a link of the chain from what was read to what is served.
type Stage struct {
	Name  string // one of the Stage constants
	Facts []Fact
	Lists []List
	Note  string // one of the Note constants, or empty
}

// The stages, in the order of a chain.
const (
	StageSources    = "raw sources"
	StageSteps      = "steps and recipe"
	StageDataset    = "dataset version"
	StageAdapter    = "tuned model"
	StageEvaluation = "evaluation"
	StagePublished  = "published as"
	StageAnswers    = "answers to clients"
)

// What a stage may note.
const (
	NoteUnknown     = "The model does not say what it was made from."
	NoteAway        = "The dataset is not in this home: only its digest is known."
	NoteUnpublished = "No alias has this model."
	NoteAnswers     = "Each response, its line in the log and its usage event name the model in place of the alias, " +
		"and a response through an alias has the fingerprint of the release. No request is metered under another name."
)

// Fact is a name and a value. A name that the package has in Chinese is shown in both
// languages.
type Fact struct{ Name, Value string }

// List is a table, of which long ones show the first rows.
type List struct {
	Name    string   // what it lists, as the name of a Fact
	Columns []string // the same
	Rows    [][]string
	All     int // how many rows there are
}

// Left returns how many rows are not shown.
func (l List) Left() int { return l.All - len(l.Rows) }

// chinese has what a page says of names that reach it as values.
var chinese = map[string]string{
	StageSources: "原始来源", StageSteps: "步骤与配方", StageDataset: "数据集版本", StageAdapter: "模型",
	StageEvaluation: "评测", StagePublished: "发布为", StageAnswers: "回答",

	NoteUnknown:     "该模型没有说明它由什么制成。",
	NoteAway:        "该数据集不在此主目录中：只知道它的摘要。",
	NoteUnpublished: "没有别名指向该模型。",
	NoteAnswers:     "每个响应、其日志行和用量记录都写明模型本名而非别名；经别名的响应还带有该发布的指纹。用量不会记在别的名字下。",

	"majority class": "多数类", "TF-IDF linear": "TF-IDF 线性模型", "base, untuned": "未调优的基座", "tuned": "调优后",

	"model": "模型", "digest": "摘要", "adapter": "适配器", "base": "基座", "base digest": "基座摘要",
	"training data": "训练数据", "recipe": "配方", "recipe digest": "配方摘要", "seed": "随机种子",
	"instruction": "指令", "job": "作业", "checkpoint of step": "检查点步数", "trained by": "训练程序",
	"name": "名称", "kind": "类型", "source": "来源", "counts": "计数", "bytes": "字节", "documents": "文档",
	"failed": "失败", "raw digest": "原文摘要", "became": "去向", "raw files": "原始文件",
	"title": "标题", "description": "说明", "licence": "许可证", "languages": "语言", "personal data": "个人数据",
	"licences": "许可证分布", "licences by source file": "各来源文件的许可证", "source files": "来源文件数", "by the card": "依据数据卡片",
	"provenance": "出处", "creator": "作者", "address": "地址", "parameters": "参数", "step": "步骤",
	"records": "记录", "split": "划分", "dropped": "丢弃", "clusters": "聚类", "labels": "标签",
	"test examples": "测试样例", "examples": "样例", "accuracy": "准确率", "measured by": "评测程序",
	"compared with": "对照模型", "fingerprint": "指纹", "requests metered": "已计量请求",
	"prompt tokens": "提示词元", "completion tokens": "回答词元",
	"answers": "应答中", "on trial": "试用中", "replaced": "已被替换",
}

// both returns a text in two languages, of which the page shows one.
func both(en, zh string) template.HTML {
	return template.HTML(`<span lang="en">` + template.HTMLEscapeString(en) + `</span><span lang="zh">` + template.HTMLEscapeString(zh) + `</span>`) //nolint:gosec // escaped
}

// word returns a name in both languages; one that is not known in Chinese stands as it is.
func word(name string) template.HTML {
	if zh, has := chinese[name]; has {
		return both(name, zh)
	}
	return template.HTML(template.HTMLEscapeString(name)) //nolint:gosec // escaped
}
