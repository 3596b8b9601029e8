"""Hostile SVGs: each a few bytes that ask for a core, gigabytes, or the stack.

`svgs()` yields (kind, name, bytes). Nothing here is anybody's image.
"""

import base64

import make_png

NS = "xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink'"


def svg(inner, size="width='100' height='100'", prolog=""):
    return f"{prolog}<svg {NS} {size}>{inner}</svg>".encode()


def filtered(primitive, size=1000, region="", content=None):
    content = content or f"<rect width='{size}' height='{size}' fill='red' filter='url(#f)'/>"
    return svg(f"<filter id='f' {region}>{primitive}</filter>{content}", f"width='{size}' height='{size}'")


def laughs(levels, fan, leaf="<rect width='1' height='1'/>", element="g"):
    defs = [f"<{element} id='a0'>{leaf}</{element}>"]
    for level in range(1, levels):
        uses = f"<use xlink:href='#a{level - 1}'/>" * fan
        defs.append(f"<{element} id='a{level}'>{uses}</{element}>")
    return svg(f"<defs>{''.join(defs)}</defs><use xlink:href='#a{levels - 1}'/>")


def panics():
    path = "M0 -1e30L1 1A1 1 0 0 1 2 2Z"
    for name, number in [
        ("1e30", "1e30"), ("1e38", "1e38"), ("3e38", "3.4e38"), ("tiny", "1e-45"), ("nan", "NaN"), ("inf", "1e999"),
    ]:
        yield name, svg(
            f"<defs><pattern id='p' width='1' height='1'><path d='M0 -{number}L1 1A{number} 1 0 0 1 2 2Z'/></pattern></defs>"
            f"<g><rect width='3' height='2' fill='url(#p)' stroke='url(#g)' stroke-dasharray='1 {number}'/></g>"
        )
    yield "clip", svg(f"<clipPath id='c'><path d='{path}'/></clipPath><rect width='9' height='9' clip-path='url(#c)' stroke='url(#x)'/>")
    yield "mask", svg(f"<mask id='m'><path d='{path}' stroke='red' stroke-width='1e20'/></mask><rect width='9' height='9' mask='url(#m)'/>")
    yield "marker", svg(f"<marker id='m' markerWidth='1e9' markerHeight='1e9'><path d='{path}'/></marker><path d='{path}' marker-mid='url(#m)'/>")
    yield "dash", svg("<path d='M0 0L1e6 1e6' stroke='red' stroke-dasharray='1e-3 1e-3'/>")
    yield "dash-tiny", svg("<path d='M0 0L1e9 1e9' stroke='red' stroke-dasharray='1e-9'/>")
    yield "arc", svg("<path d='M0 0A1e-20 1e20 45 1 1 1e20 1e-20' stroke='red'/>")
    yield "miter", svg("<path d='M0 0L1 0L0 1e-7Z' stroke='red' stroke-width='1e30' stroke-miterlimit='1e30'/>")


def deep():
    for depth in (1_000, 10_000, 100_000):
        yield f"g-{depth}", svg("<g>" * depth + "</g>" * depth)
        yield f"svg-{depth}", svg(f"<svg {NS}>" * depth + "</svg>" * depth)
    yield "unclosed-100000", svg("<g>" * 100_000)
    yield "tspan-5000", svg("<text>" + "<tspan>" * 5_000 + "x" + "</tspan>" * 5_000 + "</text>")
    yield "switch-5000", svg("<switch>" * 5_000 + "<rect/>" + "</switch>" * 5_000)
    yield "a-5000", svg("<a>" * 5_000 + "<rect width='1' height='1'/>" + "</a>" * 5_000)
    chain = "".join(f"<linearGradient id='g{i}' xlink:href='#g{i + 1}'/>" for i in range(20_000))
    yield "gradient-chain", svg(chain + "<rect width='9' height='9' fill='url(#g0)'/>")
    chain = "".join(f"<clipPath id='c{i}' clip-path='url(#c{i + 1})'><rect width='9' height='9'/></clipPath>" for i in range(5_000))
    yield "clip-chain", svg(chain + "<rect width='9' height='9' clip-path='url(#c0)'/>")
    chain = "".join(f"<mask id='c{i}' mask='url(#c{i + 1})'><rect width='9' height='9'/></mask>" for i in range(5_000))
    yield "mask-chain", svg(chain + "<rect width='9' height='9' mask='url(#c0)'/>")
    chain = "".join(f"<g id='u{i}'><use xlink:href='#u{i + 1}'/></g>" for i in range(5_000))
    yield "use-chain", svg(chain)
    chain = "".join(
        f"<pattern id='p{i}' width='3' height='3' patternUnits='userSpaceOnUse'><rect width='9' height='9' fill='url(#p{i + 1})'/></pattern>"
        for i in range(2_000))
    yield "pattern-chain", svg(chain + "<rect width='9' height='9' fill='url(#p0)'/>")
    yield "loops", svg("<g id='a'><use xlink:href='#b'/></g><g id='b'><use xlink:href='#a'/></g><mask id='m' mask='url(#n)'/>"
                       "<mask id='n' mask='url(#m)'/><rect width='9' height='9' mask='url(#m)'/>")


def layers():
    big = "<rect x='-8000' y='-8000' width='20000' height='20000' fill='red'/>"
    for name, attribute, defs in [
        ("opacity", "opacity='.9'", ""),
        ("blend", "style='mix-blend-mode:multiply'", ""),
        ("isolate", "style='isolation:isolate'", ""),
        ("mask", "mask='url(#m)'", "<mask id='m' maskUnits='userSpaceOnUse' x='-8000' y='-8000' width='20000' height='20000'>" + big + "</mask>"),
        ("clip", "clip-path='url(#m)'", f"<clipPath id='m'>{big}</clipPath>"),
        ("filter", "filter='url(#m)'", "<filter id='m'><feOffset dx='1'/></filter>"),
    ]:
        for depth in (2, 10, 100):
            inner = f"<g {attribute}>{big}" * depth + "</g>" * depth
            yield f"{name}-{depth}", svg(defs + inner, "width='4000' height='4000'")
    yield "siblings", svg(f"<g opacity='.9'>{big}</g>" * 2_000, "width='4000' height='4000'")


def patterns():
    for edge in (5_000, 25_000, 100_000, 10**9):
        yield f"huge-{edge}", svg(
            f"<pattern id='p' width='{edge}' height='{edge}' patternUnits='userSpaceOnUse'><rect width='{edge}' height='{edge}'/></pattern>"
            "<rect width='9' height='9' fill='url(#p)'/>")
    yield "many", svg("".join(
        f"<pattern id='p{i}' width='3000' height='3000' patternUnits='userSpaceOnUse'><rect width='3000' height='3000'/></pattern>"
        f"<rect width='9' height='9' fill='url(#p{i})'/>" for i in range(500)))
    yield "transform", svg(
        "<pattern id='p' width='10' height='10' patternTransform='scale(10000)' patternUnits='userSpaceOnUse'><rect width='10' height='10'/></pattern>"
        "<rect width='9' height='9' fill='url(#p)'/>")
    yield "scale", svg(
        "<pattern id='p' width='10' height='10' patternUnits='userSpaceOnUse'><rect width='10' height='10'/></pattern>"
        "<g transform='scale(5000)'><rect width='9' height='9' fill='url(#p)'/></g>")
    yield "tiny", svg(
        "<pattern id='p' width='1e-6' height='1e-6' patternUnits='userSpaceOnUse'><rect width='1' height='1'/></pattern>"
        "<rect width='4000' height='4000' fill='url(#p)'/>", "width='4000' height='4000'")
    yield "viewbox", svg(
        "<pattern id='p' width='1' height='1' viewBox='0 0 1e-9 1e-9'><rect width='1' height='1'/></pattern><rect width='99' height='99' fill='url(#p)'/>")
    yield "nested", laughs_of_patterns(12)
    yield "negative", svg("<pattern id='p' width='-1' height='1e30'><rect/></pattern><rect width='9' height='9' fill='url(#p)'/>")
    yield "text-stroke", svg(
        "<pattern id='p' width='20000' height='20000' patternUnits='userSpaceOnUse'><rect width='20000' height='20000'/></pattern>"
        "<text font-size='99' stroke='url(#p)' fill='url(#p)' y='99'>ABCDEFGH</text>")


def laughs_of_patterns(levels):
    defs = "<pattern id='p0' width='2' height='2' patternUnits='userSpaceOnUse'><rect width='1' height='1'/></pattern>"
    for level in range(1, levels):
        rects = "".join(f"<rect x='{x}' width='9' height='9' fill='url(#p{level - 1})'/>" for x in range(10))
        defs += f"<pattern id='p{level}' width='90' height='9' patternUnits='userSpaceOnUse'>{rects}</pattern>"
    return svg(f"{defs}<rect width='99' height='99' fill='url(#p{levels - 1})'/>")


def uses():
    yield "10x10", laughs(10, 10)
    yield "30x2", laughs(30, 2)
    yield "100x2", laughs(100, 2)
    yield "4x200", laughs(4, 200)
    yield "symbol", laughs(9, 10, element="symbol")
    yield "text", laughs(8, 10, "<text>laughing out loud</text>")
    yield "opacity", laughs(8, 10, "<g opacity='.5'><rect width='99' height='99'/></g>")
    yield "marker", svg("<marker id='m'><path d='M0 0L1 1'/></marker><path marker-mid='url(#m)' d='M0 0" + "L1 1" * 200_000 + "'/>")
    entity = "<!DOCTYPE svg [<!ENTITY a '" + "<rect/>" * 10 + "'>"
    for i in range(1, 10):
        entity += f"<!ENTITY {chr(97 + i)} '{('&' + chr(96 + i) + ';') * 10}'>"
    yield "entities", svg("&j;", prolog=entity + "]>")
    yield "entity-quadratic", svg("&a;" * 20_000, prolog="<!DOCTYPE svg [<!ENTITY a '" + "x" * 50_000 + "'>]>")
    yield "style", svg("<style>" + "".join(f"g rect:nth-child({i}) *{{fill:red}}" for i in range(3_000)) + "</style>" + "<g><rect/></g>" * 3_000)


def slow():
    yield "turbulence", filtered("<feTurbulence baseFrequency='.01' numOctaves='4000000000'/>")
    yield "turbulence-stitch", filtered("<feTurbulence type='fractalNoise' stitchTiles='stitch' baseFrequency='1e-9 1e9' numOctaves='99999999'/>")
    yield "morphology", filtered("<feMorphology operator='dilate' radius='500'/>")
    yield "morphology-huge", filtered("<feMorphology operator='erode' radius='1e9'/>")
    yield "convolve", filtered("<feConvolveMatrix order='99' kernelMatrix='" + "1 " * 99 * 99 + "'/>")
    yield "convolve-wrap", filtered("<feConvolveMatrix order='999 1' edgeMode='wrap' kernelMatrix='" + "1 " * 999 + "'/>")
    yield "blur", filtered("<feGaussianBlur stdDeviation='1e9'/>")
    yield "blur-box", filtered("<feGaussianBlur stdDeviation='1.9'/>" * 300)
    yield "displacement", filtered("<feTurbulence numOctaves='9'/>" + "<feDisplacementMap in2='SourceGraphic' scale='1e9'/>" * 200)
    yield "lighting", filtered(("<feDiffuseLighting surfaceScale='1e9'><fePointLight x='1' y='1' z='1e-9'/></feDiffuseLighting>"
                                "<feSpecularLighting specularExponent='1e9'><feSpotLight x='1'/></feSpecularLighting>") * 100)
    yield "chain-5000", filtered("<feOffset dx='1'/><feColorMatrix type='hueRotate' values='9'/>" * 5_000)
    yield "merge", filtered("<feMerge>" + "<feMergeNode in='SourceGraphic'/>" * 20_000 + "</feMerge>")
    yield "tile", filtered("<feFlood x='0' y='0' width='1' height='1' flood-color='red'/><feTile/>" * 200)
    yield "region", filtered("<feFlood/>", region="x='-1e6' y='-1e6' width='1e9' height='1e9' filterUnits='userSpaceOnUse'")
    yield "many", svg("<filter id='f'><feGaussianBlur stdDeviation='50'/></filter>" + "<rect width='1000' height='1000' filter='url(#f)'/>" * 1_000,
                      "width='1000' height='1000'")
    yield "background", filtered("<feImage xlink:href='#f'/>" * 300)


def logs():
    for name, newline in [("lf", "&#10;"), ("cr", "&#13;"), ("csi", "&#x9b;2J"), ("nel", "&#x85;"), ("ls", "&#x2028;"), ("bidi", "&#x202e;")]:
        forged = f"x{newline}2026-01-01T00:00:00Z  INFO request method=GET path=/FORGED status=200"
        yield name, svg(f"<text font-family='{forged}'>a</text><use xlink:href='#{forged}'/><image href='file:///{forged}' width='1' height='1'/>")
    yield "long", svg(f"<text font-family='{'F' * 900_000}'>a</text>")
    yield "many", svg("".join(f"<rect fill='url(#z{i})' width='1' height='1'/><use xlink:href='#y{i}'/>" for i in range(20_000)))
    yield "fonts", svg("".join(f"<text font-family='f{i}'>a</text>" for i in range(5_000)))
    yield "glyphs", svg("<text>" + "&#xE123;" * 20_000 + "</text>")
    yield "css", svg("<style>" + "\n".join(f"@forged{i} {{" for i in range(5_000)) + "</style>")
    yield "attributes", svg("".join(f"<rect width='FORGED{i}&#10;x' height='q' transform='FORGED{i}' opacity='z'/>" for i in range(5_000)))


def nested():
    inner = svg("<rect width='9' height='9'/>")
    for level in range(1, 13):
        data = base64.b64encode(inner).decode()
        inner = svg(f"<image width='99' height='99' href='data:image/svg+xml;base64,{data}'/>" * (2 if level < 9 else 1))
        if level in (1, 4, 8, 12):
            yield f"svg-{level}", inner
    bomb = base64.b64encode(make_png.flat(12_000, 12_000)).decode()
    yield "png-bomb", svg(f"<image width='9' height='9' href='data:image/png;base64,{bomb}'/>")
    yield "png-bombs", svg(f"<image width='9' height='9' href='data:image/png;base64,{bomb}'/>" * 8)
    small = base64.b64encode(make_png.flat(3_000, 3_000)).decode()
    yield "png-many", svg(f"<image id='i' width='9' height='9' href='data:image/png;base64,{small}'/>" + "<use xlink:href='#i'/>" * 3_000)
    yield "png-scaled", svg(f"<image width='1e7' height='1e7' href='data:image/png;base64,{small}'/>")
    turbulence = base64.b64encode(filtered("<feTurbulence numOctaves='4000000000'/>")).decode()
    yield "svg-turbulence", svg(f"<image width='999' height='999' href='data:image/svg+xml;base64,{turbulence}'/>")
    yield "feimage", filtered(f"<feImage href='data:image/png;base64,{bomb}'/>")
    yield "gz", svg("<image width='9' height='9' href='data:image/svg+xml;base64,"
                    + base64.b64encode(make_png.gzip_bomb(200)).decode() + "'/>")
    yield "garbage", svg("".join(f"<image width='9' height='9' href='data:image/png;base64,{'A' * i}'/>" for i in range(0, 2_000, 4)))


def sizes():
    red = "<rect width='100%' height='100%' fill='red'/>"
    for name, size in [
        ("1e9", "width='1e9' height='1e9'"), ("thin", "width='1e7' height='1'"), ("viewbox", "viewBox='0 0 1e30 1e30'"),
        ("viewbox-tiny", "width='100' height='100' viewBox='0 0 1e-30 1e-30'"), ("negative", "width='-5' height='9'"),
        ("nan", "width='NaN' height='1'"), ("zero", "width='0' height='0' viewBox='0 0 0 0'"), ("units", "width='9999in' height='9999in'"),
        ("percent", "width='99999%' height='99999%'"), ("8400", "width='8400' height='8400'"),
    ]:
        yield name, svg(red, size)


def texts():
    yield "million", svg("<text>" + "glyphs and " * 90_000 + "</text>")
    yield "huge-font", svg("<text font-size='1e7' y='90'>glyphs</text>")
    yield "textpath", svg("<path id='p' d='M0 0" + "L9 9L0 9" * 20_000 + "'/><text><textPath xlink:href='#p'>" + "on a path " * 9_000 + "</textPath></text>")
    yield "letter-spacing", svg("<text letter-spacing='1e9'>" + "ab" * 20_000 + "</text>")
    yield "rotate", svg("<text rotate='" + "9 " * 100_000 + "' x='" + "1 " * 100_000 + "'>" + "ab" * 50_000 + "</text>")
    yield "bidi", svg("<text>" + "&#x202e;a&#x5d0;" * 50_000 + "</text>")
    yield "combining", svg("<text>a" + "&#x301;" * 200_000 + "</text>")
    yield "stroke", svg("<text stroke='red' stroke-width='1e5' stroke-dasharray='.01'>" + "stroke" * 200 + "</text>")
    yield "spans", svg("<text>" + "<tspan dx='1'>a</tspan>" * 60_000 + "</text>")
    yield "fallback", svg("<text>" + "".join(chr(0x4E00 + i % 20_000) for i in range(60_000)) + "</text>")
    yield "path", svg("<path d='M0 0" + "C1 2 3 4 5 6" * 300_000 + "' stroke='red' stroke-width='3'/>")
    yield "attributes", svg("<rect " + " ".join(f"a{i}='1'" for i in range(50_000)) + "/>")
    yield "ids", svg("".join(f"<rect id='r{i}' fill='url(#r{i + 1})'/>" for i in range(50_000)))


def svgs():
    """All of them: (kind, name, bytes)."""
    for kind, made in [
        ("svg-panic", panics), ("svg-deep", deep), ("svg-layers", layers), ("svg-pattern", patterns), ("svg-use", uses),
        ("svg-slow", slow), ("svg-log", logs), ("svg-nested", nested), ("svg-size", sizes), ("svg-text", texts),
    ]:
        for name, data in made():
            yield kind, f"{kind}-{name}.svg", data
