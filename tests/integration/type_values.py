"""type_values - every type that a column can have, with values that are hard on somebody.

BUILT_IN   pg_type's name -> values; a type of the server's that is not here fails the test
NO_INPUT   of those the types that have no text input: columns of them can be had, values by no SQL
MODIFIED   declarations with a type modifier
MADE       types that are made by MAKE: domains, enums, composites, ranges, of extensions

A value is a text that the type's input function reads, or Sql(an expression), or Unfit(either) if
a schema has no form for it (see "schema-unfit" in DIFFERENCES.md).
"""
import collections

Sql = collections.namedtuple("Sql", "text")
Unfit = collections.namedtuple("Unfit", "value")
Type = collections.namedtuple("Type", "declaration values since", defaults=[13])

LONG = "x" * 9000  # is TOASTed
TEXTS = ["", " ", "plain", "tab\tnew\nline\rback\\slash", 'quo"te\'s', "{b,r}", "NULL", "null", "\\N", "\\.",
         "zażółć 🜁 \u2028", "\x01\x7f", LONG]
INTERVALS = ["0", "-00:00:00.000001", "1 year -2 mons 3 days -04:05:06.789", "178000000 years",
             "-178000000 years", "2147483647:59:59.999999", "12 mons 30 days", "-1 day +23:59:59.999999"]
TIMESTAMPS = ["1970-01-01 00:00:00", "2024-02-29 23:59:59.999999", "1969-12-31 23:59:59.9", "infinity", "-infinity",
              "4714-11-24 00:00:00 BC", "0044-03-15 12:00:00 BC", "0001-01-01 00:00:00", "1582-10-10 00:00:00",
              Unfit("294276-12-31 23:59:59.999999"), "12345-06-07 08:09:10"]
DATES = ["1970-01-01", "2024-02-29", "infinity", "-infinity", "4714-11-24 BC", "0044-03-15 BC", "0001-01-01",
         "1582-10-10", "5874897-12-31", "12345-06-07"]
TIMES = ["00:00:00", "24:00:00", "23:59:59.999999", "12:34:56.7", "00:00:00.000001"]
NUMERICS = ["0", "-0.0", "1", "-1.50", "0.00000000000000000001", "9" * 130, "1e-130", "-" + "9" * 50 + "." + "8" * 50,
            "100000000000000000000", Unfit("NaN"), "127", "128", "-128", "-129", "1.000"]
FLOATS = ["0", "-0", "1.5", "NaN", "Infinity", "-Infinity", "0.1", "-3.3333333333333335", "1e7", "16777216", "1e-5"]
JSONS = ["null", "{}", "[]", '"x"', "1e400", '{"b": 1,  "a": [null, true, "\\u0041\\n\\"é"], "b": 2}', f'["{LONG}"]']
NETWORKS = ["10.0.0.0/8", "192.168.1.1/32", "::/0", "2001:db8::/32", "0.0.0.0/0", "::ffff:1.2.3.4/128"]
BITS = ["0", "1"]
SNAPSHOTS = ["10:20:10,14,15", "1:1:", "10:20:"]

BUILT_IN = {
    "bool": ["true", "false"],
    "bytea": ["", "\\x00", "\\x5c78", "\\x27225c0a0d09ff", Sql("decode(repeat('00ff27', 3000), 'hex')")],
    "char": ["", "a", "\\", " ", "'"],
    "name": ["", "a", "Ünïcode \"q\"", "x" * 63],
    "int2": ["0", "-32768", "32767"],
    "int4": ["0", "-2147483648", "2147483647"],
    "int8": ["0", "-9223372036854775808", "9223372036854775807", "9007199254740993"],
    "int2vector": ["", "1", "-32768 0 32767"],
    "oidvector": ["", "0", "1 4294967295"],
    "regproc": ["0", "now", "pg_catalog.version", "elsewhere.own", "4294967295"],
    "text": TEXTS,
    "oid": ["0", "1", "4294967295"],
    "tid": ["(0,0)", "(0,1)", "(4294967295,65535)"],
    "xid": ["0", "3", "4294967295"],
    "cid": ["0", "4294967295"],
    "json": [*JSONS, ' {"spaces" :\n 1} '],
    "xml": ["<a/>", '<?xml version="1.0"?><a b="c">é&amp;</a>', "plain text", f"<l>{LONG}</l>"],
    "pg_node_tree": [Sql("(SELECT adbin FROM pg_attrdef ORDER BY oid LIMIT 1)")],
    "point": ["(0,0)", "(-1.5,2e300)", "(NaN,Infinity)", "(-Infinity,-0)", "(0.1,0.2)"],
    "lseg": ["[(0,0),(1,1)]", "[(-1.5,2e300),(NaN,Infinity)]"],
    "path": ["((0,0),(1,1),(2,0))", "[(0,0),(1e-10,1)]"],
    "box": ["(1,1),(0,0)", "(0.1,0.2),(-3,-4)"],
    "polygon": ["((0,0),(1,1),(2,0))", "((1e300,-1e300))"],
    "line": ["{1,-1,0}", "{0,-1,0.1}"],
    "cidr": NETWORKS,
    "float4": [*FLOATS, "3.4028235e38", "1e-45", "1.1754944e-38"],
    "float8": [*FLOATS, "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308"],
    "circle": ["<(0,0),1>", "<(-1.5,0.1),0>"],
    "macaddr8": ["00:00:00:00:00:00:00:00", "08:00:2b:01:02:03:04:ff"],
    "money": ["0", "-92233720368547758.08", "92233720368547758.07", "-0.01", "1234567.89"],
    "macaddr": ["00:00:00:00:00:00", "08:00:2b:01:02:ff"],
    "inet": [*NETWORKS, "10.1.2.3/8", "10.1.2.3", "fe80::1/64"],
    "aclitem": ["=r/postgres", "postgres=arwdDxt/postgres", "postgres=r*w*/postgres"],
    "bpchar": ["", "  ", "trailing  ", *TEXTS[2:]],
    "varchar": TEXTS,
    "date": DATES,
    "time": TIMES,
    "timestamp": TIMESTAMPS,
    "timestamptz": [*(Unfit(t.value + "+00") if isinstance(t, Unfit) else
                      t if "infinity" in t else t.replace(" BC", "") + "+05:30" + (" BC" if " BC" in t else "")
                      for t in TIMESTAMPS if t != TIMESTAMPS[5]), "2024-03-31 02:30:00 Europe/Berlin"],
    "interval": INTERVALS,
    "timetz": ["00:00:00+00", "24:00:00-15:59", "23:59:59.999999+15:59", "12:34:56+01:23:45", "00:00:00+05:30"],
    "bit": BITS,
    "varbit": ["1", "0", "10101010111", "1" * 100],
    "numeric": NUMERICS,
    "refcursor": ["", "c", '"C x"'],
    "regprocedure": ["0", "sum(bigint)", "elsewhere.own()"],
    "regoper": ["0", "||/"],
    "regoperator": ["0", "+(integer,integer)"],
    "regclass": ["0", "pg_class", "elsewhere.tab", 'elsewhere."Odd name"', "4294967295"],
    "regtype": ["0", "integer", "timestamp with time zone", "elsewhere.own_enum", "elsewhere.own_enum[]"],
    "uuid": ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"],
    "txid_snapshot": SNAPSHOTS,
    "pg_lsn": ["0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF"],
    "pg_ndistinct": [Sql("(SELECT stxdndistinct FROM pg_statistic_ext_data WHERE stxdndistinct IS NOT NULL LIMIT 1)")],
    "pg_dependencies": [Sql("(SELECT stxddependencies FROM pg_statistic_ext_data "
                            "WHERE stxddependencies IS NOT NULL LIMIT 1)")],
    "pg_mcv_list": [Sql("(SELECT stxdmcv FROM pg_statistic_ext_data WHERE stxdmcv IS NOT NULL LIMIT 1)")],
    "tsvector": ["", "a fat cat", "'a''b':1A,2B 'c\\\\d':16383", "'x y':3"],
    "tsquery": ["", "a & !b", "'x y' <-> c:*AB", "a <2> (b | c)"],
    "gtsvector": [],
    "regconfig": ["0", "english", "simple", "elsewhere.config"],
    "regdictionary": ["0", "simple", "english_stem"],
    "jsonb": JSONS,
    "jsonpath": ["$", '$.a[*] ? (@.b > 1 && @.c like_regex "^x\\"")', "strict $.**{2 to 5}"],
    "regnamespace": ["0", "public", "elsewhere", '"Odd space"'],
    "regrole": ["0", "postgres"],
    "regcollation": ["0", '"C"', "pg_catalog.\"POSIX\""],
    "regdatabase": ["0", "postgres", "template1"],
    "pg_brin_bloom_summary": [],
    "pg_brin_minmax_multi_summary": [],
    "pg_snapshot": SNAPSHOTS,
    "xid8": ["0", "18446744073709551615", "4294967296"],
    "int4range": ["empty", "[,]", "[1,3)", "(,5]", "[-2147483648,)"],
    "int8range": ["empty", "(,)", "[1,9223372036854775807)"],
    "numrange": ["empty", "(,)", "[1.50,2e30)", "(0,NaN]"],
    "tsrange": ["empty", "(,)", "[2024-02-29 00:00,infinity]", '["4714-11-24 BC","0044-03-15 BC")'],
    "tstzrange": ["empty", "(,)", "[2024-02-29 00:00+05:30,2024-03-01 00:00-08)", "[-infinity,0044-03-15 00:00+00 BC)"],
    "daterange": ["empty", "(,)", "[2024-02-29,infinity]", "[4714-11-24 BC,0044-03-15 BC]"],
    "int4multirange": ["{}", "{(,)}", "{[1,3),[5,8)}"],
    "int8multirange": ["{}", "{[1,3),[5,)}"],
    "nummultirange": ["{}", "{[1.50,2e30),(3e30,)}"],
    "tsmultirange": ["{}", '{["2024-01-01 00:00","2024-01-02 00:00"),["2025-01-01 10:00",infinity]}'],
    "tstzmultirange": ["{}", '{["2024-01-01 00:00+05:30","2024-01-02 00:00+00"),["2025-01-01 10:00+00",)}'],
    "datemultirange": ["{}", "{[2024-01-01,2024-01-02),[2025-01-01,)}"],
}

SINCE_14 = {"numeric": [Unfit("Infinity"), Unfit("-Infinity")], "interval": ["2562047788:00:54"]}

NO_INPUT = {
    "gtsvector": "the inner form of GiST indexes over tsvector",
    "pg_brin_bloom_summary": "what a BRIN index keeps",
    "pg_brin_minmax_multi_summary": "what a BRIN index keeps",
}

MODIFIED = [
    Type("character(5)", ["", "ab", "ünïx", "12345"]),
    Type("character varying(3)", ["", "ab ", "zaż"]),
    Type("numeric(5,2)", ["0", "-999.99", "1", Unfit("NaN")]),
    Type("numeric(38,10)", ["0.0000000001", "-" + "9" * 28 + "." + "9" * 10]),
    Type("numeric(5,0)", ["0", "-99999", "12345"]),
    Type("numeric(1000,500)", ["9" * 400 + "." + "7" * 400, "-1e-500"]),
    Type("numeric(5,-2)", ["0", "1234567", "-99"], 15),
    Type("numeric(3,5)", ["0.00123", "-0.00999"], 15),
    Type("bit(3)", ["000", "101", "111"]),
    Type("bit(80)", ["01" * 40]),
    Type("bit varying(1)", [Unfit(""), "1"]),
    Type("bit varying(80)", ["", "1", "01" * 40]),
    Type("time(0)", TIMES),
    Type("time(3)", TIMES),
    Type("timetz(3)", BUILT_IN["timetz"]),
    *(Type(f"{name}({digits})", [t for t in BUILT_IN[name] if not isinstance(t, Unfit)])
      for name in ("timestamp", "timestamptz") for digits in (0, 1, 3, 6)),
    Type("timestamp(3)", [TIMESTAMPS[9].value]),
    Type("interval year to month", ["1-2", "-3 years"]),
    Type("interval day to second(3)", ["1 day 02:03:04.5678", "-00:00:00.001"]),
]

MAKE = """
CREATE SCHEMA elsewhere;
CREATE SCHEMA "Odd space";
CREATE TABLE elsewhere.tab (id int DEFAULT 1);
CREATE TABLE elsewhere."Odd name" (id int);
CREATE FUNCTION elsewhere.own() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE elsewhere.own_enum AS ENUM ('a');
CREATE TEXT SEARCH CONFIGURATION elsewhere.config (COPY = simple);
CREATE TABLE elsewhere.counted AS SELECT i % 3 AS a, i % 6 AS b FROM generate_series(1, 100) AS i;
CREATE STATISTICS elsewhere.of_counted (ndistinct, dependencies, mcv) ON a, b FROM elsewhere.counted;
ANALYZE elsewhere.counted;

CREATE TYPE mood AS ENUM ('sad', 'so, so', 'Röt "q"', '', 'null', 'NULL', '{x}');
CREATE DOMAIN dom_int AS int CHECK (VALUE <> 7);
CREATE DOMAIN dom_numeric AS numeric(7,3);
CREATE DOMAIN dom_char AS char(4);
CREATE DOMAIN dom_of_dom AS dom_numeric DEFAULT 3;
CREATE DOMAIN dom_stamp AS timestamptz(3);
CREATE DOMAIN dom_text AS text COLLATE "C";
CREATE DOMAIN dom_mood AS mood;
CREATE DOMAIN dom_array AS int[];
CREATE DOMAIN dom_range AS daterange;
CREATE TYPE pair AS (a int, b text);
CREATE TYPE deep AS (p pair, ps pair[], m mood, n numeric(9,2), t timestamptz, y bytea, r int4range, f float8, d dom_array);
CREATE DOMAIN dom_pair AS pair;
CREATE TYPE hollow AS ();
CREATE TYPE span AS RANGE (subtype = timetz);
CREATE TYPE words AS RANGE (subtype = text);
"""

# CREATE EXTENSION of each; what Debian's postgresql package and the fetched builds bring along.
EXTENSIONS = ["citext", "hstore", "ltree", "isn", "cube", "seg", "intarray"]

ISN = "9780393040029"
MADE = [
    Type("mood", ["sad", "so, so", 'Röt "q"', "", "null", "NULL", "{x}"]),
    Type("dom_int", BUILT_IN["int4"]),
    Type("dom_numeric", ["0", "-9999.999", "1.5"]),
    Type("dom_char", ["", "ab"]),
    Type("dom_of_dom", ["0", "-9999.999"]),
    Type("dom_stamp", ["2024-02-29 23:59:59.9996+05:30", "infinity"]),
    Type("dom_text", TEXTS),
    Type("dom_mood", ["sad", "so, so"]),
    Type("dom_array", ["{}", "{1,NULL,-3}", "[5:6]={1,2}", Unfit("{{1,2},{3,4}}")]),
    Type("dom_range", BUILT_IN["daterange"]),
    Type("dom_pair", ["(1,x)", "(,)"]),
    Type("pair", ["(,)", '(1,"")', '(-5,"a,""b""\\\\ (c)")', Sql("ROW(2, E'tab\\tnew\\nline')::pair")]),
    Type("deep", [Sql("""ROW(ROW(1,'x,"y"'), ARRAY[ROW(2,NULL),NULL]::pair[], 'so, so', 1.5, '2024-02-29 01:02:03.4+05:30',
                         '\\x00ff', '[1,3)', 0.1::float8 + 0.2::float8, '{1,2}')::deep"""),
                  "(,,,,,,,,)", Sql("ROW(NULL,'{}',NULL,'NaN','-infinity','','empty','-Infinity',NULL)::deep")]),
    Type("hollow", ["()"]),
    Type("span", ["empty", "[10:00+05:30,24:00-03:00]", "(,12:00+00)"]),
    Type("words", ["empty", '["a,b","q""]x")', "[a,)", '["",NULL]']),
    Type("citext", TEXTS),
    Type("hstore", ["", "a=>1", 'a=>NULL,"b c"=>"NULL"', '"q\\"\\\\"=>"é,=>", ""=>""', f"l=>{LONG}"]),
    Type("ltree", ["", "Top", "Top.Science.Astronomy_2"]),
    Type("lquery", ["Top.*", "*.a|b@*{1,2}.!c"]),
    Type("ltxtquery", ["a & !b*@"]),
    Type("isbn", [ISN]), Type("isbn13", [ISN]), Type("ean13", ["0012345678905"]), Type("issn", ["1436-4522"]),
    Type("ismn", ["M-2306-7118-7"]), Type("upc", ["220356483481"]),
    Type("cube", ["(0)", "(1,2,3),(-4,5e-10,NaN)"]),
    Type("seg", ["1.50", "<1", "2..~3e10", "~6.5 .. <8.0"]),
    Type("query_int", ["1&(2|!3)"]),
    Type("words_multirange", ["{}", '{["a,b",c),[d,)}'], 14),
    Type("multirange_of_span", ["{}", "{[10:00+05:30,24:00-03:00]}"], 14),
]


def postgres_since(server, make=MAKE):
    """MAKE for that server: multiranges are of 14."""
    if server >= 14:
        make = make.replace("(subtype = timetz)", "(subtype = timetz, multirange_type_name = multirange_of_span)")
        make = make.replace("(subtype = text)", "(subtype = text, multirange_type_name = words_multirange)")
    return make


def types(server, built_in):
    """All that the server has.  built_in: names of its pg_type."""
    of_server = {name: values + (SINCE_14.get(name, []) if server >= 14 else [])
                 for name, values in BUILT_IN.items()}
    named = [Type(f'pg_catalog."{name}"', of_server[name]) for name in built_in if name in of_server]
    return [t for t in named + MODIFIED + MADE if t.since <= server]
