"""Mutations of SVGs: their numbers, attributes and structure."""

import copy
import re
from xml.etree import ElementTree

import make_svg

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
NUMBERS = ["0", "-1", "1", "2", "1e9", "1e30", "3.4e38", "-1e30", "NaN", "1e-30", "1e-9", "0.5", "65536", "4294967296", "100000", "-0"]
ELEMENTS = [
    "g", "svg", "use", "symbol", "pattern", "mask", "clipPath", "marker", "filter", "text", "tspan", "textPath", "image", "switch",
    "linearGradient", "radialGradient", "stop", "path", "rect", "circle", "ellipse", "line", "polygon", "a", "defs", "style",
    "feTurbulence", "feMorphology", "feConvolveMatrix", "feGaussianBlur", "feDisplacementMap", "feTile", "feImage", "feFlood", "feOffset",
    "feMerge", "feMergeNode", "feComposite", "feBlend", "feColorMatrix", "feComponentTransfer", "feFuncR", "feDiffuseLighting",
    "feSpecularLighting", "fePointLight", "feSpotLight", "feDistantLight", "feDropShadow",
]
ATTRIBUTES = [
    "filter='url(#f)'", "mask='url(#m)'", "clip-path='url(#c)'", "fill='url(#p)'", "stroke='url(#p)'", "stroke='red'", "opacity='.5'",
    "stroke-width='9'", "stroke-dasharray='1 2'", "transform='rotate(45)'", "transform='scale(1000)'", "transform='matrix(0 0 0 0 0 0)'",
    "transform='skewX(90)'", "style='mix-blend-mode:multiply'", "marker-mid='url(#k)'", "xlink:href='#a'", "xlink:href='#p'", "viewBox='0 0 10 10'",
    "preserveAspectRatio='xMidYMid slice'", "width='100'", "height='100'", "x='-10'", "patternUnits='userSpaceOnUse'", "id='a'", "id='f'",
    "maskUnits='userSpaceOnUse'", "primitiveUnits='objectBoundingBox'", "font-size='50'", "text-anchor='end'", "writing-mode='tb'", "numOctaves='5'",
    "stdDeviation='5'", "radius='9'", "order='9'", "in='SourceAlpha'", "in2='BackgroundImage'", "result='r'", "in='r'", "shape-rendering='crispEdges'",
    "vector-effect='non-scaling-stroke'", "stroke-linejoin='round'", "fill-rule='evenodd'", "paint-order='stroke'", "overflow='visible'",
]


ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)


def everything():
    """A document with one of everything, all of it drawn."""
    return make_svg.svg(
        "<defs><linearGradient id='l'><stop offset='0' stop-color='red'/><stop offset='1'/></linearGradient>"
        "<pattern id='p' width='9' height='9' patternUnits='userSpaceOnUse'><rect width='5' height='5' fill='url(#l)'/></pattern>"
        "<mask id='m'><rect width='50' height='50' fill='white' opacity='.5'/></mask><clipPath id='c'><circle r='40'/></clipPath>"
        "<marker id='k' markerWidth='3' markerHeight='3' refX='1'><path d='M0 0L3 3'/></marker><symbol id='s' viewBox='0 0 9 9'><path d='M0 0H9V9Z'/></symbol>"
        "<filter id='f'><feTurbulence baseFrequency='.05' numOctaves='2' result='t'/><feDisplacementMap in='SourceGraphic' in2='t' scale='9'/>"
        "<feGaussianBlur stdDeviation='2 1'/><feMorphology radius='1'/><feOffset dx='3'/><feComposite in2='SourceGraphic' operator='arithmetic' k1='1' k2='.5'/></filter></defs>"
        "<g id='a' opacity='.9' filter='url(#f)'><rect width='60' height='60' fill='url(#p)' stroke='url(#l)' stroke-width='3' stroke-dasharray='5 2'/>"
        "<path d='M10 10C20 20 40 20 50 10S80 0 90 10Q95 5 99 9T50 50A25 30 -30 0 1 50 -25Z' marker-mid='url(#k)' mask='url(#m)' clip-path='url(#c)'/></g>"
        "<use xlink:href='#s' x='5' width='20' height='20' transform='rotate(30 5 5)'/><text x='9 20' y='50' font-size='12' letter-spacing='1'>some <tspan dy='3'>text</tspan></text>"
        "<image width='30' height='30' xlink:href='data:image/svg+xml;base64,PHN2ZyB4bWxucz0naHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmcnIHdpZHRoPSc5JyBoZWlnaHQ9JzknPjxyZWN0IHdpZHRoPSc1JyBoZWlnaHQ9JzUnLz48L3N2Zz4='/>",
        "width='120' height='90' viewBox='0 0 100 100'")


def seeds():
    made = [everything()] * 8 + [data for _, _, data in make_svg.svgs() if len(data) < 5_000]
    return [(tree, data) for data in made if (tree := parsed(data)) is not None]


def parsed(data):
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError:
        return None


def attribute_of(text):
    name, _, value = text.partition("=")
    name = name.replace("xlink:", f"{{{XLINK}}}")
    return name, value.strip("'")


def number(random, elements):
    some = [(element, name) for element in elements for name, value in element.attrib.items() if NUMBER.search(value)]
    if not some:
        return
    element, name = random.choice(some)
    value = element.get(name)
    spot = random.choice(list(NUMBER.finditer(value)))
    new = random.choice(NUMBERS) if random.random() < 0.7 else str(random.choice([random.uniform(-1e3, 1e3), random.randrange(-9, 99)]))
    element.set(name, value[: spot.start()] + new + value[spot.end():])


def attribute(random, elements):
    """Swaps, drops, adds an attribute, or gives it the value of another."""
    one, two = random.choice(elements), random.choice(elements)
    how = random.randrange(4)
    if how == 0 and one.attrib and two.attrib:
        first, second = random.choice(list(one.attrib)), random.choice(list(two.attrib))
        one.attrib[first], two.attrib[second] = two.attrib[second], one.attrib[first]
    elif how == 1 and one.attrib:
        del one.attrib[random.choice(list(one.attrib))]
    elif how == 2 and two.attrib:
        name = random.choice(list(two.attrib))
        one.set(name, two.get(name))
    else:
        one.set(*attribute_of(random.choice(ATTRIBUTES)))


def new(random):
    element = ElementTree.Element(f"{{{SVG}}}{random.choice(ELEMENTS)}")
    for _ in range(random.randrange(6)):
        element.set(*attribute_of(random.choice(ATTRIBUTES)))
    return element


def structure(random, elements):
    """Doubles, wraps, moves, removes, renames or adds an element."""
    parent = random.choice([element for element in elements if len(element)] or elements)
    if not len(parent):
        parent.append(new(random))
        return
    at = random.randrange(len(parent))
    child = parent[at]
    how = random.randrange(6)
    if how == 0:
        for _ in range(random.choice([1, 3, 60])):
            parent.insert(at, copy.deepcopy(child))
    elif how == 1:
        for _ in range(random.choice([1, 2, 20])):
            wrap = new(random)
            wrap.append(child)
            child = wrap
        parent[at] = child
    elif how == 2:
        random.choice(elements).append(copy.deepcopy(child))
    elif how == 3:
        del parent[at]
    elif how == 4:
        child.tag = f"{{{SVG}}}{random.choice(ELEMENTS)}"
    else:
        random.choice(elements).insert(at, new(random))


def bytes_(random, data):
    at = random.randrange(len(data))
    piece = bytes(random.randrange(256) for _ in range(random.randrange(1, 4)))
    return data[:at] + piece + data[at + random.randrange(4):]


def mutate(random, seed):
    tree, data = seed
    if random.random() < 0.03:
        return bytes_(random, data)
    tree = copy.deepcopy(tree)
    for _ in range(random.choice([1, 1, 2, 3, 5, 10])):
        elements = list(tree.iter())
        if len(elements) > 3_000:
            break
        random.choices([number, attribute, structure], [4, 4, 3])[0](random, elements)
    return ElementTree.tostring(tree)
