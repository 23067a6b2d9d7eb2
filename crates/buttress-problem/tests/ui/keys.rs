use buttress_problem::Problem;

#[derive(Problem)]
#[problem(base_uri = "https://e.example/", status = 404)]
enum Keys {
    #[problem(status = 404, tittle = "Not found")]
    Unknown,
    #[problem(status = 409, title = "a", title = "b")]
    Duplicate,
    #[problem(status = 404)]
    #[problem(status = 404)]
    DuplicateInAnotherAttribute,
    #[problem(status = 404, base = "https://e.example/")]
    Misplaced,
    #[problem(status = 404 title = "a")]
    NoComma,
    #[problem(status = 404, title = 5)]
    NoText,
    #[problem(status = 404, title = "")]
    Empty,
    #[problem(status = 500, public = true)]
    FlagWithValue,
    #[problem(status = 404, "title")]
    NoKey,
    #[problem]
    NoParentheses,
    #[problem = "status"]
    NoList,
    #[problem(status = 404)]
    Field {
        #[problem(extention)]
        unknown: u8,
        #[problem(extension, extension = "b")]
        duplicate: u8,
    },
}

#[derive(Problem)]
#[problem(status = 404, axum, axum, nonsense)]
struct Struct;

fn main() {}
