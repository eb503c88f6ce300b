"""Writes pears.xlsx with openpyxl, a library that shares no code with the
reader under test.

Ran on: Python 3.11, openpyxl 3.1.5. All text is our own.
"""
import datetime

import openpyxl

wb = openpyxl.Workbook()
wb.properties.created = wb.properties.modified = datetime.datetime(2024, 1, 1)
s = wb.active
s.title = "Pears"
s.append(["text", "label", "day", "price", "good"])
s.append(["Pears are sweet. 梨很甜。", "fruit", datetime.date(2024, 5, 6), 2.5, True])
s.append(["two\nlines", "a|b", datetime.datetime(2024, 5, 6, 7, 8, 9), 1000000, False])
s["C3"].number_format = "yyyy-mm-dd hh:mm:ss"
s["C2"].number_format = "yyyy-mm-dd"
s["D2"].number_format = "0.00"
s.append([])
s.append(["after an empty row"])
s.merge_cells("A7:B7")
s["A7"] = "merged"
s["C7"] = "beside"
s["A8"] = "=1+1"
h = wb.create_sheet("第二页")
h.sheet_state = "hidden"
h.append(["梨", 1])
wb.create_sheet("empty")
wb.save("pears.xlsx")
