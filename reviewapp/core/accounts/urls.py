"""The addresses of signing in and of one's own account.

allauth's own list is longer: it has pages to sign up, to keep several addresses and to connect further services.
"""

from allauth.account import views as account
from allauth.socialaccount import views as services
from django.urls import include, path

from reviewapp.core.accounts import views
from reviewapp.core.accounts.joining import invitation

sign_in = views.SignIn.as_view()

account_urlpatterns = [
    path("", views.account, name="account"),
    path("preferences/", views.preferences, name="preferences"),
    path("sessions/", views.sessions, name="usersessions_list"),
    path("second-factor/", include("allauth.mfa.urls")),
    path("confirm/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/first/", account.password_set, name="account_set_password"),
    path("password/lost/", views.ResetPassword.as_view(), name="account_reset_password"),
    path("password/lost/sent/", account.password_reset_done, name="account_reset_password_done"),
    path("password/new/done/", account.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path(
        "password/new/<str:uidb36>/<str:key>/", account.password_reset_from_key, name="account_reset_password_from_key"
    ),
    path("closed/", account.account_inactive, name="account_inactive"),
    # Nobody signs up, but allauth wants to know where they would; the page says so.
    path("new/", account.signup, name="account_signup"),
    path("service/cancelled/", services.login_cancelled, name="socialaccount_login_cancelled"),
    path("service/error/", services.login_error, name="socialaccount_login_error"),
    path("service/<str:provider_id>/", views.sign_in_with_service, name="openid_connect_login"),
    path("service/<str:provider_id>/back/", views.back_from_service, name="openid_connect_callback"),
]

urlpatterns = [
    path("login/", sign_in, name="login"),
    path("login/", sign_in, name="account_login"),
    path("logout/", account.logout, name="logout"),
    path("logout/", account.logout, name="account_logout"),
    path("account/", include(account_urlpatterns)),
    path("invitations/<str:token>/", invitation, name="invitation"),
]
