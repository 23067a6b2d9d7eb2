use crate::ProblemType;

/// All the kinds of problem that an error can become, for documentation: OpenAPI responses
/// (feature `utoipa`) and pages for people.
///
/// Ordered by status, then code; each kind is there once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalogue(Vec<ProblemType>);

impl Catalogue {
    /// An empty catalogue.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The kinds, by status and code.
    pub fn iter(&self) -> impl Iterator<Item = &ProblemType> {
        self.0.iter()
    }

    /// Whether there is no kind in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many kinds there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The first kind with this [`slug`](ProblemType::slug).
    #[must_use]
    pub fn find(&self, slug: &str) -> Option<&ProblemType> {
        self.0.iter().find(|kind| kind.slug() == slug)
    }

    /// Adds a kind unless it is there: of two that differ in their descriptions alone, the first
    /// that has one stays.
    pub fn insert(&mut self, kind: ProblemType) {
        let key = |kind: &ProblemType| (kind.status().as_u16(), kind.code());
        let known = self.0.iter_mut().find(|known| known.is_same_kind(&kind));
        match known {
            Some(known) if known.description().is_none() => *known = kind,
            Some(_) => {}
            None => {
                let at = self.0.partition_point(|other| key(other) <= key(&kind));
                self.0.insert(at, kind);
            }
        }
    }
}

impl Extend<ProblemType> for Catalogue {
    fn extend<T: IntoIterator<Item = ProblemType>>(&mut self, kinds: T) {
        for kind in kinds {
            self.insert(kind);
        }
    }
}

impl FromIterator<ProblemType> for Catalogue {
    fn from_iter<T: IntoIterator<Item = ProblemType>>(kinds: T) -> Self {
        let mut catalogue = Self::new();
        catalogue.extend(kinds);
        catalogue
    }
}

impl IntoIterator for Catalogue {
    type Item = ProblemType;
    type IntoIter = std::vec::IntoIter<ProblemType>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
