//! `/v1/products`

mod input;
mod query;
mod view;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::LOCATION},
    response::IntoResponse,
};
use buttress_jwt::BearerLayer;
use buttress_preconditions::{ETag, Preconditions, Rejection};
use buttress_problem::{
    Problems,
    axum::{Json, Path, Query},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{
    input::{CreateProduct, PatchProduct},
    query::ListParams,
    view::{ProductList, ProductView, tag},
};
use super::{
    AppState,
    access::{AnyToken, catalogue_admin, guarded},
    error::{ApiError, DatabaseError, Invalid, InvalidQuery, ProductNotFound},
    id::Id,
    list::NoParams,
    merge_patch::MergePatch,
    preconditions::{IfMatch, IfNoneMatch},
};
use crate::domain::Product;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(guarded(catalogue_admin(), routes!(create)))
        .routes(guarded(catalogue_admin(), routes!(change, delete)))
}

/// List products
///
/// One page of at most `limit` products. There are no cursors yet, so what comes after the first
/// page can only be reached by filtering and sorting.
#[utoipa::path(
    get,
    operation_id = "list_products",
    path = "/v1/products",
    tag = "products",
    params(ListParams),
    responses((status = 200, description = "A page of products.", body = ProductList), Problems<(InvalidQuery, Invalid, DatabaseError, AnyToken)>),
)]
async fn list(
    State(state): State<AppState>,
    Query(params): Query<ListParams>,
) -> Result<Json<ProductList>, ApiError> {
    let (query, fields) = params.check()?;
    let page = state.store.list_products(&query).await?;
    Ok(Json(ProductList::new(page, query.limit, fields.as_ref())))
}

/// Create a product
#[utoipa::path(
    post,
    operation_id = "create_product",
    path = "/v1/products",
    tag = "products",
    request_body = CreateProduct,
    responses(
        (
            status = 201,
            description = "The product as it was created.",
            body = ProductView,
            headers(
                ("Location" = String, description = "The path of the product."),
                ("ETag" = String, description = "The product's tag, for a change of it."),
            ),
        ),
        Problems<(InvalidQuery, Json<()>, Invalid, DatabaseError, BearerLayer)>,
    ),
)]
async fn create(
    _: Query<NoParams>,
    State(state): State<AppState>,
    Json(body): Json<CreateProduct>,
) -> Result<impl IntoResponse, ApiError> {
    let product = state.store.create_product(body.check()?).await?;
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::try_from(format!("/v1/products/{}", product.id)) {
        headers.insert(LOCATION, location);
    }
    Ok((StatusCode::CREATED, headers, ProductView::tagged(product)))
}

/// Read a product
#[utoipa::path(
    get,
    operation_id = "read_product",
    path = "/v1/products/{id}",
    tag = "products",
    params(("id" = Uuid, Path), IfNoneMatch),
    responses(
        (
            status = 200,
            description = "The product.",
            body = ProductView,
            headers(("ETag" = String, description = "The product's tag, for a change of it.")),
        ),
        (
            status = 304,
            description = "The product is what the client has: it has a tag of `If-None-Match`.",
            headers(("ETag" = String, description = "The product's tag.")),
        ),
        Problems<(Path<()>, InvalidQuery, ProductNotFound, DatabaseError, AnyToken)>,
    ),
)]
async fn read(
    Path(Id(id)): Path<Id>,
    _: Query<NoParams>,
    State(state): State<AppState>,
) -> Result<(ETag, Json<ProductView>), ApiError> {
    let product = state.store.product(id).await?;
    let product = product.ok_or(ProductNotFound { product_id: id })?;
    Ok(ProductView::tagged(product))
}

/// Change a product
///
/// A JSON Merge Patch (RFC 7396): members that are left out stay as they are. It is made only if
/// `If-Match` has the tag that the product has now, so that nobody undoes what they have not seen.
/// A patch that changes nothing does not make a new version.
#[utoipa::path(
    patch,
    operation_id = "change_product",
    path = "/v1/products/{id}",
    tag = "products",
    params(("id" = Uuid, Path), IfMatch),
    request_body(
        content(
            (PatchProduct = "application/merge-patch+json"),
            (PatchProduct = "application/json"),
        ),
    ),
    responses(
        (
            status = 200,
            description = "The product as it is now.",
            body = ProductView,
            headers(("ETag" = String, description = "The product's new tag, for the next change.")),
        ),
        Problems<(
            Path<()>,
            InvalidQuery,
            Json<()>,
            Invalid,
            ProductNotFound,
            Rejection,
            DatabaseError,
            BearerLayer,
        )>,
    ),
)]
async fn change(
    Path(Id(id)): Path<Id>,
    _: Query<NoParams>,
    preconditions: Preconditions,
    State(state): State<AppState>,
    MergePatch(body): MergePatch<PatchProduct>,
) -> Result<(ETag, Json<ProductView>), ApiError> {
    let changes = body.check()?;
    let check = |current: &Product| preconditions.require(&tag(current));
    let outcome = state.store.change_product(id, changes, check).await?;
    let product = outcome.or_missing(|| ApiError::from(ProductNotFound { product_id: id }))?;
    Ok(ProductView::tagged(product))
}

/// Delete a product
///
/// Only if `If-Match` has the tag that the product has now.
#[utoipa::path(
    delete,
    operation_id = "delete_product",
    path = "/v1/products/{id}",
    tag = "products",
    params(("id" = Uuid, Path), IfMatch),
    responses(
        (status = 204, description = "It is deleted."),
        Problems<(Path<()>, InvalidQuery, ProductNotFound, Rejection, DatabaseError, BearerLayer)>,
    ),
)]
async fn delete(
    Path(Id(id)): Path<Id>,
    _: Query<NoParams>,
    preconditions: Preconditions,
    State(state): State<AppState>,
) -> Result<StatusCode, ApiError> {
    let check = |current: &Product| preconditions.require(&tag(current));
    let outcome = state.store.delete_product(id, check).await?;
    outcome.or_missing(|| ApiError::from(ProductNotFound { product_id: id }))?;
    Ok(StatusCode::NO_CONTENT)
}
