//! The tree of a web page as browsers build it (WHATWG HTML, 13.2), within bounds on its depth and size: the work of
//! building grows with the square of the depth, and a few bytes can make a browser repeat hundreds of elements. Knows no
//! meaning of elements.

use crate::error::ReadError;
use html5ever::Attribute;
use html5ever::ParseOpts;
use html5ever::QualName;
use html5ever::interface::ElementFlags;
use html5ever::interface::NodeOrText;
use html5ever::interface::QuirksMode;
use html5ever::interface::TreeSink;
use html5ever::parse_document;
use html5ever::tendril::StrTendril;
use html5ever::tendril::TendrilSink;
use std::borrow::Cow;
use std::cell::Cell;
use std::cell::RefCell;
use std::rc::Rc;

/// Deeper nesting is an attack.
const MAX_DEPTH: u32 = 512;
/// Elements and texts of a page.
const MAX_NODES: usize = 1_000_000;
/// So much is parsed before the bounds are looked at.
const STEP_BYTES: usize = 4 << 10;
/// Marks that may part attributes, without one element or text coming of them: attributes of one tag are compared with
/// each other.
const MAX_SEPARATORS: usize = 50_000;

/// So much in base 64 is no word of a text.
const PAYLOAD_BYTES: usize = 1 << 10;
/// Attributes of one element, and of all together: formatting elements are opened again, with all they have, in every
/// paragraph after one that did not close them.
const MAX_ATTRIBUTES: usize = 256;
const MAX_ALL_ATTRIBUTES: usize = 4_000_000;
/// Bytes of attributes that are kept.
const MAX_VALUES: usize = 32 << 20;
/// The attributes that the walk reads; the others are not kept.
const READ: &[&str] =
    &["alt", "colspan", "hidden", "role", "rowspan", "size", "start", "style", "type", "value"];

/// A node of a tree.
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) children: Vec<usize>,
    pub(super) parent: Option<usize>,
    depth: u32,
}

/// What a node is.
pub(super) enum Kind {
    /// The document, a comment, the content of a template.
    Other,
    Text(String),
    Element(Element),
}

/// An element with its attributes.
pub(super) struct Element {
    pub(super) name: Rc<QualName>,
    attributes: Vec<Attribute>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        debug_assert!(READ.contains(&name), "`{name}` is not kept");
        let found = self.attributes.iter().find(|attribute| &*attribute.name.local == name)?;
        Some(&found.value)
    }
}

/// Builds the tree of a page; the first node is the document.
///
/// # Errors
/// [`ReadError::OutOfBudget`] where a bound is reached.
pub(super) fn build(page: &str) -> Result<Vec<Node>, ReadError> {
    let state = Rc::new(State::default());
    let sink = Sink {
        nodes: RefCell::default(),
        state: Rc::clone(&state),
        attributes: Cell::default(),
        values: Cell::default(),
    };
    sink.node(Kind::Other);
    let mut parser = parse_document(sink, ParseOpts::default());
    let page = without_payloads(page);
    let (mut rest, mut separators) = (&*page, 0);
    while !rest.is_empty() {
        let end = rest.floor_char_boundary(STEP_BYTES);
        let (step, after) = rest.split_at(end);
        state.progress.set(false);
        parser.process(StrTendril::from(step));
        let parting = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'"' | b'\'');
        separators = if state.progress.get() { 0 } else { separators } + step.bytes().filter(parting).count();
        if let Some(detail) = state.broken.get() {
            return Err(ReadError::OutOfBudget { detail: detail.into() });
        }
        if separators > MAX_SEPARATORS {
            return Err(ReadError::OutOfBudget { detail: "a tag or comment does not end".into() });
        }
        rest = after;
    }
    let nodes = parser.finish();
    match state.broken.get() {
        Some(detail) => Err(ReadError::OutOfBudget { detail: detail.into() }),
        None => Ok(nodes),
    }
}

/// Drops what pictures hold that stand in the page itself: megabytes in one attribute, and no text.
fn without_payloads(page: &str) -> Cow<'_, str> {
    const MARK: &str = ";base64,";
    if !page.contains(MARK) {
        return Cow::Borrowed(page);
    }
    let (mut kept, mut rest) = (String::new(), page);
    while let Some(at) = rest.find(MARK) {
        let (before, payload) = rest.split_at(at + MARK.len());
        let is_payload = |c: char| c.is_ascii_alphanumeric() || "+/=".contains(c);
        let after = payload.trim_start_matches(is_payload);
        let length = payload.len() - after.len();
        kept.push_str(before);
        kept.push_str(if length < PAYLOAD_BYTES { &payload[..length] } else { "" });
        rest = after;
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

/// What the parser tells while it works.
#[derive(Default)]
struct State {
    /// The bound that was reached.
    broken: Cell<Option<&'static str>>,
    /// Something came of what was parsed.
    progress: Cell<bool>,
}

/// Takes what the parser finds.
struct Sink {
    nodes: RefCell<Vec<Node>>,
    state: Rc<State>,
    /// Attributes so far, and bytes of those that were kept.
    attributes: Cell<usize>,
    values: Cell<usize>,
}

/// A node by its place, with its name where it is an element.
#[derive(Clone)]
struct Handle {
    at: usize,
    name: Option<Rc<QualName>>,
}

impl Sink {
    fn node(&self, kind: Kind) -> usize {
        self.state.progress.set(true);
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= MAX_NODES {
            self.state.broken.set(Some("the page has too many elements"));
        }
        nodes.push(Node { kind, children: Vec::new(), parent: None, depth: 0 });
        nodes.len() - 1
    }

    /// Keeps the attributes that are read.
    fn kept(&self, mut attributes: Vec<Attribute>) -> Vec<Attribute> {
        self.attributes.set(self.attributes.get() + attributes.len());
        if attributes.len() > MAX_ATTRIBUTES || self.attributes.get() > MAX_ALL_ATTRIBUTES {
            self.state.broken.set(Some("the page has too many attributes"));
            return Vec::new();
        }
        attributes.retain(|attribute| READ.contains(&&*attribute.name.local));
        let bytes: usize = attributes.iter().map(|attribute| attribute.value.len()).sum();
        self.values.set(self.values.get() + bytes);
        if self.values.get() > MAX_VALUES {
            self.state.broken.set(Some("the page has too long attributes"));
            return Vec::new();
        }
        attributes
    }

    /// Puts a node, or text, in front of a child, or else at the end.
    fn insert(&self, parent: usize, before: Option<usize>, child: NodeOrText<Handle>) {
        let mut place = match before {
            Some(sibling) => self.place(parent, sibling),
            None => self.nodes.borrow()[parent].children.len(),
        };
        let child = match child {
            NodeOrText::AppendNode(node) => {
                self.detach(node.at);
                place = place.min(self.nodes.borrow()[parent].children.len());
                node.at
            }
            NodeOrText::AppendText(text) => {
                self.state.progress.set(true);
                let mut nodes = self.nodes.borrow_mut();
                let previous =
                    place.checked_sub(1).and_then(|place| nodes[parent].children.get(place).copied());
                if let Some(Kind::Text(own)) = previous.map(|previous| &mut nodes[previous].kind) {
                    own.push_str(&text);
                    return;
                }
                drop(nodes);
                self.node(Kind::Text((*text).to_owned()))
            }
        };
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes[parent].depth + 1;
        if depth > MAX_DEPTH {
            self.state.broken.set(Some("elements are nested too deep"));
        }
        nodes[child].depth = depth;
        nodes[child].parent = Some(parent);
        nodes[parent].children.insert(place, child);
    }

    /// Where a child stands; what is looked for is mostly among the last.
    fn place(&self, parent: usize, child: usize) -> usize {
        let nodes = self.nodes.borrow();
        let children = &nodes[parent].children;
        children.iter().rposition(|other| *other == child).unwrap_or(children.len())
    }

    fn detach(&self, child: usize) {
        let parent = self.nodes.borrow()[child].parent;
        let Some(parent) = parent else { return };
        let place = self.place(parent, child);
        let mut nodes = self.nodes.borrow_mut();
        if place < nodes[parent].children.len() {
            nodes[parent].children.remove(place);
        }
        nodes[child].parent = None;
    }
}

impl TreeSink for Sink {
    type Handle = Handle;
    type Output = Vec<Node>;
    type ElemName<'a> = &'a QualName;

    fn finish(self) -> Vec<Node> {
        self.nodes.into_inner()
    }

    fn parse_error(&self, _message: Cow<'static, str>) {}

    fn get_document(&self) -> Handle {
        Handle { at: 0, name: None }
    }

    fn elem_name<'a>(&'a self, target: &'a Handle) -> &'a QualName {
        target.name.as_deref().expect("the parser asks elements only")
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _flags: ElementFlags) -> Handle {
        let (name, attributes) = (Rc::new(name), self.kept(attributes));
        let at = self.node(Kind::Element(Element { name: Rc::clone(&name), attributes }));
        Handle { at, name: Some(name) }
    }

    fn create_comment(&self, _text: StrTendril) -> Handle {
        Handle { at: self.node(Kind::Other), name: None }
    }

    fn create_pi(&self, _target: StrTendril, _data: StrTendril) -> Handle {
        Handle { at: self.node(Kind::Other), name: None }
    }

    fn append(&self, parent: &Handle, child: NodeOrText<Handle>) {
        self.insert(parent.at, None, child);
    }

    fn append_based_on_parent_node(&self, element: &Handle, previous: &Handle, child: NodeOrText<Handle>) {
        let parent = self.nodes.borrow()[element.at].parent;
        match parent {
            Some(parent) => self.insert(parent, Some(element.at), child),
            None => self.insert(previous.at, None, child),
        }
    }

    fn append_doctype_to_document(&self, _name: StrTendril, _public: StrTendril, _system: StrTendril) {}

    /// Content of templates is not shown: it hangs on the template, which is left out whole.
    fn get_template_contents(&self, target: &Handle) -> Handle {
        target.clone()
    }

    fn same_node(&self, one: &Handle, other: &Handle) -> bool {
        one.at == other.at
    }

    fn set_quirks_mode(&self, _mode: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Handle, child: NodeOrText<Handle>) {
        let parent = self.nodes.borrow()[sibling.at].parent;
        if let Some(parent) = parent {
            self.insert(parent, Some(sibling.at), child);
        }
    }

    fn add_attrs_if_missing(&self, target: &Handle, attributes: Vec<Attribute>) {
        if let Kind::Element(element) = &mut self.nodes.borrow_mut()[target.at].kind {
            for attribute in self.kept(attributes) {
                if element.attribute(&attribute.name.local).is_none() {
                    element.attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Handle) {
        self.detach(target.at);
    }

    fn reparent_children(&self, node: &Handle, new_parent: &Handle) {
        let mut nodes = self.nodes.borrow_mut();
        let children = std::mem::take(&mut nodes[node.at].children);
        for child in &children {
            nodes[*child].parent = Some(new_parent.at);
        }
        nodes[new_parent.at].children.extend(children);
    }
}
