use buttress_problem::Problem;

#[derive(Problem)]
enum Transparent {
    #[problem(transparent)]
    TwoFields(std::fmt::Error, u8),
    #[problem(transparent)]
    NoField,
    #[problem(transparent, status = 404)]
    WithStatus(std::fmt::Error),
    #[problem(title = "a", transparent, header(AGE = 1))]
    WithMore(std::fmt::Error),
    #[problem(transparent)]
    WithExtension(#[problem(extension = "inner")] std::fmt::Error),
}

fn main() {}
