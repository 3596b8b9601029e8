//! The strict list by the names of elements, for those who read tags.

use std::sync::LazyLock;

use super::LIST;
use crate::html::{Name, Table, VOID};

/// An element of the list.
pub(super) struct Listed {
    pub(super) name: &'static str,
    /// Its number.
    pub(super) index: usize,
    pub(super) is_void: bool,
    /// Its attributes.
    attributes: Vec<(Name, &'static str)>,
}

impl Listed {
    /// The name of one of its attributes, if it is on the list.
    pub(super) fn attribute(&self, id: Name) -> Option<&'static str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(known, _)| *known == id)
            .map(|(_, name)| *name)
    }
}

struct Elements {
    list: Vec<Listed>,
    by_name: Table<usize, 256>,
}

static ELEMENTS: LazyLock<Elements> = LazyLock::new(|| {
    let generic = LIST.clone_generic_attributes();
    let mut own = LIST.clone_tag_attributes();
    let mut by_name = Table::new();
    let names = LIST.clone_tags().into_iter().enumerate();
    let list = names.map(|(index, name)| {
        by_name.add(Name::of(name), index);
        let mut attributes = own.remove(name).unwrap_or_default();
        attributes.extend(&generic);
        Listed {
            name,
            index,
            is_void: VOID.contains(&name),
            attributes: attributes
                .into_iter()
                .map(|name| (Name::of(name), name))
                .collect(),
        }
    });
    let list = list.collect();
    Elements { list, by_name }
});

/// The element of this name, if it is on the list.
pub(super) fn listed(id: Name) -> Option<&'static Listed> {
    let elements = &*ELEMENTS;
    elements.by_name.get(id).map(|index| &elements.list[index])
}

/// How many elements there are.
pub(super) fn length() -> usize {
    ELEMENTS.list.len()
}
