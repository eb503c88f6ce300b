package spam

// pairs are characters whose Simplified and Traditional forms differ and are
// each used in one script alone, the frequent ones: enough to tell the script
// of a line and to look up Traditional terms.
const pairs = "国國学學会會时時来來对對发發开開关關长長门門问問间間闻聞见見观觀视視现現规規觉覺" +
	"电電话話语語说說读讀请請让讓认認识識议議论論设設证證评評词詞译譯试試该該详詳误誤调調谈談课課谁誰谢謝" +
	"书書买買卖賣车車转轉轮輪软軟轻輕较較输輸辑輯进進远遠运運过過还還这這选選连連边邊达達违違迟遲适適" +
	"东東业業两兩严嚴个個丰豐为為义義乐樂习習乡鄉乱亂争爭亚亞产產亲親亿億仅僅从從仓倉们們价價众眾优優伤傷传傳伦倫" +
	"体體余餘备備儿兒党黨兰蘭兴興养養内內冈岡写寫军軍农農冲衝决決况況净淨减減几幾击擊刘劉则則刚剛创創删刪别別" +
	"剧劇办辦务務动動劳勞势勢区區医醫华華协協单單卡卡卢盧卫衛厂廠历歷厅廳压壓县縣参參双雙变變号號叶葉听聽启啟员員" +
	"响響团團园園围圍图圖圆圓圣聖场場坏壞块塊坚堅坛壇坟墳声聲处處复復够夠头頭夹夾夺奪奖獎妆妝妇婦妈媽娱娛婴嬰孙孫宁寧" +
	"实實宝寶宠寵审審宽寬宾賓对對寻尋导導寿壽将將尔爾尘塵尝嘗层層属屬岁歲岛島币幣师師帐帳带帶帮幫广廣庄莊庆慶库庫应應" +
	"庙廟废廢张張弹彈强強归歸录錄当當彻徹征徵径徑忆憶怀懷态態总總恋戀恶惡悬懸惊驚惯慣战戰戏戲户戶扑撲执執扩擴扫掃扬揚" +
	"护護报報担擔择擇拥擁挂掛挥揮损損换換据據掷擲揽攬摄攝摇搖摊攤撑撐敌敵数數断斷无無旧舊显顯晓曉暂暫术術机機杀殺杂雜权權" +
	"条條极極构構枪槍样樣档檔桥橋梦夢检檢楼樓标標欢歡欧歐残殘毁毀毕畢气氣汇匯汉漢汤湯沟溝沪滬泪淚泽澤洁潔测測济濟浏瀏浓濃" +
	"涛濤润潤涨漲渐漸温溫湾灣湿濕满滿滚滾滨濱灭滅灯燈灵靈灾災烂爛烧燒热熱爱愛爷爺牵牽犹猶独獨狮獅猎獵玛瑪环環玺璽琼瓊" +
	"疗療疯瘋盖蓋盘盤盗盜码碼矿礦砖磚础礎确確礼禮祸禍离離种種积積称稱税稅稳穩穷窮竞競笔筆签簽简簡类類粮糧紧緊纠糾红紅约約级級" +
	"纪紀纯純纲綱纳納纸紙线線练練组組细細织織终終绍紹经經结結给給络絡统統绝絕继繼续續维維绿綠编編缘緣缩縮网網罗羅罚罰" +
	"职職联聯聪聰肃肅肠腸肤膚胜勝脑腦脚腳脸臉艺藝节節苏蘇药藥获獲营營蓝藍虑慮虽雖补補装裝里裡袭襲誉譽计計订訂记記讲講许許" +
	"访訪诉訴诊診诗詩诚誠诱誘贝貝负負财財责責败敗账賬货貨质質贩販贪貪购購贯貫贵貴贷貸费費贺賀资資赌賭赏賞赔賠赖賴赚賺赛賽赞贊" +
	"跃躍践踐踪蹤车車轨軌载載辆輛辉輝辞辭邓鄧邮郵邻鄰郑鄭释釋针針钉釘钟鐘钢鋼钱錢银銀铁鐵铃鈴销銷锁鎖错錯锦錦键鍵镇鎮镜鏡" +
	"闭閉闯闖闲閒阅閱队隊阳陽阴陰阶階际際陆陸陈陳险險随隨隐隱难難雾霧静靜页頁顶頂项項顺順须須顾顧预預领領频頻题題颜顏额額" +
	"风風飞飛饭飯饮飲饰飾馆館马馬驱驅验驗骗騙鱼魚鲜鮮鸟鳥鸡雞鸭鴨麦麥黄黃齐齊龙龍龟龜载載诊診欲慾艳艷"

// Scripts of a character or a text.
const (
	both = iota
	simplified
	traditional
)

// scriptOf and simplify are read from pairs.
var scriptOf, simplify = readPairs()

func readPairs() (script map[rune]uint8, fold map[rune]rune) {
	script, fold = map[rune]uint8{}, map[rune]rune{}
	runes := []rune(pairs)
	for i := 0; i+1 < len(runes); i += 2 {
		s, t := runes[i], runes[i+1]
		if s == t {
			continue
		}
		script[s], script[t], fold[t] = simplified, traditional, s
	}
	// Simplified forms that Traditional text uses as characters of their own.
	for _, r := range "里余征冲据几卢叶台后只系" {
		delete(script, r)
	}
	return script, fold
}
